//! Who makes a request.

use super::{Grants, Level, Role, Roles};
use crate::name::ProjectName;

/// Who makes a request, once that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The project (tenant) that it acts in.
    pub project: ProjectName,
    /// Its user name.
    pub user: String,
    /// Its roles; never empty.
    pub roles: Roles,
}

impl Principal {
    /// The one who uses a server without authentication: `anonymous`, who may do everything.
    pub fn anonymous(project: ProjectName) -> Principal {
        Principal { project, user: "anonymous".to_owned(), roles: Roles::from([Role::Admin]) }
    }

    /// Whether it may do everything in its project.
    pub fn is_admin(&self) -> bool {
        self.roles.contains(&Role::Admin)
    }

    /// Whether it may ask for what only trusted users may: privileged containers, other limits.
    pub fn is_privileged(&self) -> bool {
        self.is_admin() || self.roles.contains(&Role::Privileged)
    }

    /// Whether it has `role` or a stronger one.
    pub fn has(&self, role: Role) -> bool {
        self.roles.iter().any(|own| *own <= role)
    }

    /// Whether it may do with an object of its project what needs `level`.
    pub fn may(&self, grants: &Grants, level: Level) -> bool {
        self.is_admin() || grants.level_of(&self.user) >= level
    }
}
