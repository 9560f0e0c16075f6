//! A second lock on files, should the view have a hole: all may be read and run, only the scratch space and
//! what was given to be written may be written.
//!
//! A rule on `/` counts for what is mounted there later, too. Where there is no view of its own, the rules are all there is:
//! then only what is shown may be read.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetStatus, Scope, path_beneath_rules,
};

use super::init::impossible;
use crate::{control::Failure, plan::View};

/// The oldest level that guards files as it must: earlier ones do not know of shortening.
const LEVEL_MIN: ABI = ABI::V3;
/// The newest level whose rights are asked for.
const LEVEL: ABI = ABI::V6;
const STEP: &str = "set up Landlock";
const WRITABLE: [&str; 2] = ["/tmp", "/dev/shm"];
const DEVICES: [&str; 6] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// What the kernel has, or why that is not enough.
pub(crate) fn level() -> Result<String, String> {
    match [ABI::V6, ABI::V5, LEVEL_MIN].into_iter().find(|level| asked(*level).is_ok()) {
        Some(LEVEL) => Ok(format!("level {} or newer", LEVEL as i32)),
        Some(level) => Ok(format!("level {}, which is enough; {} is the newest known", level as i32, LEVEL as i32)),
        None => Err(format!("the kernel has none, or one below level {}, which came with Linux 6.2", LEVEL_MIN as i32)),
    }
}

/// Whether the kernel has all of `level`. Changes nothing.
fn asked(level: ABI) -> Result<(), landlock::RulesetError> {
    let rules =
        Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(AccessFs::from_all(level))?;
    let rules = if level >= ABI::V6 { rules.scope(Scope::from_all(level))? } else { rules };
    rules.create().map(drop)
}

/// Puts this process and all that it starts under the rules.
pub(super) fn restrict(view: &View, has_view: bool) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| impossible(STEP, &error.to_string());
    let all = AccessFs::from_all(LEVEL);
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(LEVEL_MIN))
        .map_err(|error| failed(&error))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)
        .and_then(|rules| rules.scope(Scope::from_all(LEVEL)))
        .and_then(Ruleset::create)
        .map_err(|error| failed(&error))?;
    let read = AccessFs::from_read(LEVEL);
    let readable: Vec<&Path> = if has_view {
        vec![Path::new("/")]
    } else {
        view.shown.iter().map(AsRef::as_ref).chain([Path::new("/dev"), Path::new("/proc/self")]).collect()
    };
    let rules = rules
        .add_rules(path_beneath_rules(readable, read))
        .and_then(|rules| rules.add_rules(path_beneath_rules(DEVICES, all)))
        .map_err(|error| failed(&error))?;
    let mut rules = rules;
    let given = view.writable.iter().map(|folder| if has_view { &*folder.inside } else { &*folder.outside });
    for place in WRITABLE.iter().map(Path::new).chain(given).filter(|place| place.is_dir()) {
        let folder = PathFd::new(place).map_err(|error| failed(&error))?;
        rules = rules.add_rule(PathBeneath::new(folder, all)).map_err(|error| failed(&error))?;
    }
    let status = rules.restrict_self().map_err(|error| failed(&error))?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(impossible(STEP, "the kernel enforces none of it"));
    }
    Ok(())
}
