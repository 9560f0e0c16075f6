//! Nonces, alike at all doors: when one is looked at, which project it is of, and who gets to see one in full.
//!
//! A nonce acts as whoever made it, with the roles that one had. So whoever lists nonces sees the ids of those only that open
//! no more than its own rights do; what is shown of the others lets nobody in.

use http::request::Parts;
use tidemill_core::{
    ProjectName,
    access::{Grants, Level, Principal},
};
use tidemill_engine::directory::Nonce;

use crate::auth::{self, AuthError, Authenticator, Caller};

/// Stands where the secret part of an id was.
const HIDDEN: &str = "…";

/// What a request shows to be let in.
pub(crate) enum Credential {
    /// A token that holds.
    Token(Caller),
    /// The id of a nonce, and no token that holds.
    Nonce(String),
    /// Neither. With a token, why that does not hold.
    None(Option<AuthError>),
}

/// What a request shows. A nonce is looked at when there is no token that holds.
pub(crate) fn credential(auth: &Authenticator, parts: &Parts) -> Credential {
    let failed = match auth.identify(parts) {
        Ok(Some(caller)) => return Credential::Token(caller),
        Ok(None) => None,
        Err(error) => {
            tracing::debug!(%error, "a token does not hold");
            Some(error)
        }
    };
    auth::nonce(parts).map_or(Credential::None(failed), Credential::Nonce)
}

/// The project that a nonce is of: its id begins with it.
pub(crate) fn project(id: &str) -> Option<ProjectName> {
    id.rsplit_once('_').and_then(|(project, _)| project.parse().ok())
}

/// The id of a nonce as a reader gets to see it. `level` is the reader's own on the nonce's object.
pub(crate) fn shown(nonce: &Nonce, reader: &Reader) -> String {
    if reader.may_have(nonce) {
        return nonce.id.clone();
    }
    let project = nonce.id.rsplit_once('_').map_or("", |(project, _)| project);
    format!("{project}_{HIDDEN}")
}

/// Who looks at nonces of one object.
pub(crate) struct Reader<'a> {
    principal: &'a Principal,
    level: Level,
    is_bearer: bool,
}

impl<'a> Reader<'a> {
    /// `grants` are those on the object, of which the lowest level counts; `is_bearer` says that a nonce let the reader in.
    pub(crate) fn new(principal: &'a Principal, grants: &[&Grants], is_bearer: bool) -> Reader<'a> {
        let may = |level: &Level| grants.iter().all(|grants| principal.may(grants, *level));
        let level = Level::ALL.into_iter().filter(may).max().unwrap_or(Level::None);
        Reader { principal, level, is_bearer }
    }

    fn may_have(&self, nonce: &Nonce) -> bool {
        // The strongest role comes first.
        let (own, its) = (self.principal.roles.first(), nonce.roles.first());
        let is_as_strong = its.is_none_or(|its| own.is_some_and(|own| own <= its));
        !self.is_bearer && nonce.level <= self.level && is_as_strong
    }
}

#[cfg(test)]
mod tests {
    use tidemill_core::{
        Timestamp,
        access::{Object, ObjectKind, Role, Roles},
    };

    use super::*;

    #[test]
    fn a_nonce_is_shown_to_those_it_gives_nothing_new() {
        let project: ProjectName = "a_b".parse().unwrap();
        for (own_role, own_level, role, level, is_shown) in [
            (Role::User, Level::Read, Role::User, Level::Read, true),
            (Role::User, Level::Read, Role::User, Level::Execute, false),
            (Role::User, Level::Update, Role::User, Level::Update, true),
            (Role::User, Level::Update, Role::Privileged, Level::Read, false),
            (Role::Limited, Level::Update, Role::User, Level::Read, false),
            (Role::Privileged, Level::Update, Role::User, Level::Update, true),
            (Role::Privileged, Level::Update, Role::Admin, Level::Read, false),
            (Role::Admin, Level::None, Role::Admin, Level::Update, true),
        ] {
            let nonce = Nonce {
                id: "a_b_secret".to_owned(),
                object: Object { kind: ObjectKind::Function, project: project.clone(), name: "f".to_owned() },
                owner: "ann".to_owned(),
                roles: Roles::from([role, Role::Limited]),
                level,
                uses_max: None,
                uses: 0,
                description: String::new(),
                created_at: Timestamp(0),
                last_used_at: None,
            };
            let bob = Principal { project: project.clone(), user: "bob".to_owned(), roles: Roles::from([own_role]) };
            let grants = Grants([("bob".to_owned(), own_level)].into());
            let seen = |is_bearer| shown(&nonce, &Reader::new(&bob, &[&grants], is_bearer));
            let expected = if is_shown { "a_b_secret" } else { "a_b_…" };
            assert_eq!(seen(false), expected, "{own_role:?} {own_level} {role:?} {level}");
            assert_eq!(seen(true), "a_b_…");
        }
    }
}
