//! Who may do what: the decision for one request, from the row of the table, the roles, and the grants on what the path
//! names. Pure.

use tidemill_core::access::{Grants, Principal};

use super::{fields::Fields, routes::Need};

/// The grants on what a path names. Absent where the path names nothing of the kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    /// On the actor; also on the one that an alias of the path names.
    pub(crate) actor: Option<Grants>,
    /// On the alias.
    pub(crate) alias: Option<Grants>,
    /// On the config.
    pub(crate) config: Option<Grants>,
}

/// A refusal; the text is the answer to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    /// It takes an admin.
    #[error("Abaco Admin role required.")]
    Admin,
    /// It takes an admin.
    #[error("Not authorized -- only admins are authorized to update workers.")]
    Workers,
    /// No right on the actor.
    #[error("Not authorized -- you do not have access to this actor.")]
    Actor,
    /// No right on the alias.
    #[error("Not authorized -- you do not have access to this alias.")]
    Alias,
    /// No right on alias and actor.
    #[error("Not authorized -- you do not have access to this alias and actor.")]
    AliasAndActor,
    /// No right on the config.
    #[error("You do not have sufficient access to this actor config.")]
    Config,
}

/// Decides. An admin may do everything within its project.
pub(crate) fn authorize(principal: &Principal, need: Need, held: &Held) -> Result<(), Denied> {
    if principal.is_admin() {
        return Ok(());
    }
    let may = |grants: &Option<Grants>, level| grants.as_ref().is_some_and(|grants| principal.may(grants, level));
    let (allowed, denied) = match need {
        Need::Role => (true, Denied::Admin),
        Need::Actor(level) => (may(&held.actor, level), Denied::Actor),
        Need::ActorAsAdmin => (false, Denied::Workers),
        Need::Alias(level) => (may(&held.alias, level), Denied::Alias),
        Need::AliasAndActor(level) => (may(&held.alias, level) && may(&held.actor, level), Denied::AliasAndActor),
        Need::Config(level) => (may(&held.config, level), Denied::Config),
        Need::Admin => (false, Denied::Admin),
    };
    if allowed { Ok(()) } else { Err(denied) }
}

/// Settings of an actor that take a privileged user, and what such a one can do with them.
const PRIVILEGED: [(&str, &str); 6] = [
    ("privileged", "make privileged actors."),
    ("max_workers", "set max workers."),
    ("max_cpus", "set max CPUs."),
    ("mem_limit", "set mem limit."),
    ("queue", "set queue."),
    ("use_container_uid", "use container uid."),
];

/// Decides whether somebody may ask for what a description of an actor asks for. The error is the answer to the caller.
pub(crate) fn authorize_fields(principal: &Principal, fields: &Fields) -> Result<(), String> {
    if principal.is_privileged() {
        return Ok(());
    }
    let asked = PRIVILEGED.into_iter().find(|(name, _)| match *name {
        "privileged" | "use_container_uid" => fields.switches_on(name),
        name => fields.is_truthy(name),
    });
    match asked {
        None => Ok(()),
        Some((_, what)) => Err(format!("Not authorized -- only admins and privileged users can {what}")),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use tidemill_core::access::{Level, Role, Roles, WORLD};

    use super::*;
    use crate::faces::abaco::{case::Case, fields::pairs};

    fn principal(role: Role) -> Principal {
        Principal { project: "DEV".parse().unwrap(), user: "jdoe".to_owned(), roles: Roles::from([role]) }
    }

    fn grants(user: &str, level: Level) -> Option<Grants> {
        let mut grants = Grants::default();
        grants.set(user, level);
        Some(grants)
    }

    #[test]
    fn the_table() {
        let mut table = String::new();
        for need in [
            Need::Role,
            Need::Actor(Level::Read),
            Need::Actor(Level::Execute),
            Need::Actor(Level::Update),
            Need::ActorAsAdmin,
            Need::Alias(Level::Read),
            Need::Alias(Level::Update),
            Need::AliasAndActor(Level::Read),
            Need::AliasAndActor(Level::Update),
            Need::Config(Level::Read),
            Need::Config(Level::Update),
            Need::Admin,
        ] {
            let _ = write!(table, "{need:?}:");
            for level in Level::ALL {
                let held =
                    Held { actor: grants("jdoe", level), alias: grants("jdoe", level), config: grants("jdoe", level) };
                let allowed = authorize(&principal(Role::User), need, &held).is_ok();
                let _ = write!(table, " {level}={}", if allowed { "yes" } else { "no" });
                for role in [Role::Limited, Role::Privileged] {
                    assert_eq!(authorize(&principal(role), need, &held).is_ok(), allowed, "{role:?} {need:?}");
                }
            }
            assert_eq!(authorize(&principal(Role::Admin), need, &Held::default()), Ok(()));
            table.push('\n');
        }
        insta::assert_snapshot!(table, @r"
        Role: NONE=yes READ=yes EXECUTE=yes UPDATE=yes
        Actor(Read): NONE=no READ=yes EXECUTE=yes UPDATE=yes
        Actor(Execute): NONE=no READ=no EXECUTE=yes UPDATE=yes
        Actor(Update): NONE=no READ=no EXECUTE=no UPDATE=yes
        ActorAsAdmin: NONE=no READ=no EXECUTE=no UPDATE=no
        Alias(Read): NONE=no READ=yes EXECUTE=yes UPDATE=yes
        Alias(Update): NONE=no READ=no EXECUTE=no UPDATE=yes
        AliasAndActor(Read): NONE=no READ=yes EXECUTE=yes UPDATE=yes
        AliasAndActor(Update): NONE=no READ=no EXECUTE=no UPDATE=yes
        Config(Read): NONE=no READ=yes EXECUTE=yes UPDATE=yes
        Config(Update): NONE=no READ=no EXECUTE=no UPDATE=yes
        Admin: NONE=no READ=no EXECUTE=no UPDATE=no
        ");
    }

    #[test]
    fn a_right_on_one_of_two_is_none() {
        let user = principal(Role::User);
        for (alias, actor, allowed) in [
            (Level::Update, Level::Update, true),
            (Level::Update, Level::Execute, false),
            (Level::None, Level::Update, false),
        ] {
            let held = Held { actor: grants("jdoe", actor), alias: grants("jdoe", alias), config: None };
            assert_eq!(authorize(&user, Need::AliasAndActor(Level::Update), &held).is_ok(), allowed);
            // A right on the alias is none on the actor.
            let held = Held { actor: grants("other", Level::Update), ..held };
            assert_eq!(authorize(&user, Need::Actor(Level::Read), &held), Err(Denied::Actor));
        }
    }

    #[test]
    fn the_world_has_the_level_it_was_given() {
        let user = principal(Role::Limited);
        for (level, may_execute) in [(Level::None, false), (Level::Read, false), (Level::Execute, true)] {
            let held = Held { actor: grants(WORLD, level), ..Held::default() };
            assert_eq!(authorize(&user, Need::Actor(Level::Execute), &held).is_ok(), may_execute, "{level}");
            assert_eq!(authorize(&user, Need::Actor(Level::Update), &held), Err(Denied::Actor), "{level}");
        }
    }

    #[test]
    fn some_settings_take_a_privileged_user() {
        for (form, refused) in [
            ("image=x", None),
            ("privileged=true", Some("make privileged actors.")),
            ("privileged=false", None),
            ("maxWorkers=3", Some("set max workers.")),
            ("maxCpus=1", Some("set max CPUs.")),
            ("memLimit=1g", Some("set mem limit.")),
            ("queue=default", Some("set queue.")),
            ("useContainerUid=1", Some("use container uid.")),
            ("useContainerUid=0", None),
        ] {
            let fields = Fields { case: Case::Camel, form: pairs(form.as_bytes()), ..Fields::default() };
            let expected = refused.map(|what| format!("Not authorized -- only admins and privileged users can {what}"));
            for role in [Role::User, Role::Limited] {
                assert_eq!(authorize_fields(&principal(role), &fields).err(), expected, "{form}");
            }
            for role in [Role::Admin, Role::Privileged] {
                assert_eq!(authorize_fields(&principal(role), &fields), Ok(()), "{form}");
            }
        }
    }
}
