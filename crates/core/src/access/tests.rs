//! Who may do what, as tables.

use super::*;
use crate::name::ProjectName;

fn somebody(roles: &[Role]) -> Principal {
    Principal { project: ProjectName::default(), user: "ann".to_owned(), roles: roles.iter().copied().collect() }
}

#[test]
fn a_level_includes_the_lower_ones_and_the_worlds() {
    for (own, world, level) in [
        (None, None, Level::None),
        (Some(Level::None), None, Level::None),
        (Some(Level::Read), None, Level::Read),
        (None, Some(Level::Read), Level::Read),
        (Some(Level::None), Some(Level::Read), Level::Read),
        (Some(Level::Execute), Some(Level::Read), Level::Execute),
        (Some(Level::Execute), Some(Level::Update), Level::Update),
    ] {
        let mut grants = Grants::default();
        for (user, level) in [("ann", own), (WORLD, world), ("bob", Some(Level::Update))] {
            if let Some(level) = level {
                grants.set(user, level);
            }
        }
        assert_eq!(grants.level_of("ann"), level, "{own:?} {world:?}");
        for needed in Level::ALL {
            assert_eq!(somebody(&[Role::User]).may(&grants, needed), level >= needed, "{own:?} {world:?} {needed}");
            assert_eq!(somebody(&[Role::Privileged]).may(&grants, needed), level >= needed);
            assert!(somebody(&[Role::Admin]).may(&grants, needed));
        }
    }
}

#[test]
fn roles_include_one_another() {
    for (roles, admin, privileged) in [
        (&[Role::Admin][..], true, true),
        (&[Role::Privileged], false, true),
        (&[Role::User], false, false),
        (&[Role::Limited], false, false),
        (&[Role::Limited, Role::Admin], true, true),
    ] {
        let principal = somebody(roles);
        assert_eq!((principal.is_admin(), principal.is_privileged()), (admin, privileged), "{roles:?}");
        assert_eq!((principal.has(Role::Admin), principal.has(Role::Privileged)), (admin, privileged), "{roles:?}");
        assert!(principal.has(Role::Limited));
    }
    assert!(Principal::anonymous(ProjectName::default()).is_admin());
}

#[test]
fn words_are_read_as_they_are_written() {
    assert!(Level::ALL.iter().all(|level| level.as_str().parse() == Ok(*level)));
    assert!(Role::ALL.iter().all(|role| Role::parse(role.as_str()) == Some(*role)));
    assert!(ObjectKind::ALL.iter().all(|kind| ObjectKind::parse(kind.as_str()) == Some(*kind)));
    for wrong in ["", "read", "ALL", "ADMIN"] {
        assert!(wrong.parse::<Level>().is_err() && Role::parse(wrong).is_none() && ObjectKind::parse(wrong).is_none());
    }
    assert!("x".repeat(1000).parse::<Level>().is_err_and(|error| error.0.len() == 40));
}
