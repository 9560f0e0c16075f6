//! Roles: what somebody may do whatever the object.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A role within a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything within the project, and the server's own pages.
    Admin,
    /// A user that may also ask for privileged containers, other limits, and the image's own user.
    Privileged,
    /// Makes functions and uses those it has grants on.
    User,
    /// As a user; quotas apply.
    Limited,
}

impl Role {
    /// All, the strongest first.
    pub const ALL: [Role; 4] = [Role::Admin, Role::Privileged, Role::User, Role::Limited];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Privileged => "privileged",
            Role::User => "user",
            Role::Limited => "limited",
        }
    }

    /// Reads what [`Role::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// The roles of somebody.
pub type Roles = BTreeSet<Role>;
