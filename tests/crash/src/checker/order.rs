//! Runs of a key keep the order of submission and do not overlap; nor do runs of one invocation (no two live leases).
//!
//! A run that was cut short has no end. A run overlaps another when it ends after the other began: then both were alive.

use std::collections::{BTreeMap, BTreeSet};

use super::{Observation, Violation};
use crate::effects::{Effect, Moment};

pub(super) fn check(observation: &Observation, violations: &mut Vec<Violation>) {
    let mut keys: BTreeMap<(&str, &str), Vec<&Effect>> = BTreeMap::new();
    let mut invocations: BTreeMap<&str, Vec<&Effect>> = BTreeMap::new();
    for effect in &observation.effects {
        if effect.n > 0 {
            keys.entry((&effect.function, &effect.key)).or_default().push(effect);
        }
        invocations.entry(&effect.invocation).or_default().push(effect);
    }
    for ((_, key), effects) in &keys {
        order(key, effects, violations);
        overlap(&format!("key {key}"), effects, violations);
    }
    for (id, effects) in &invocations {
        overlap(&format!("invocation {id}"), effects, violations);
    }
}

/// Numbers of begins never fall, and rise only after the one before ran to its end.
fn order(key: &str, effects: &[&Effect], violations: &mut Vec<Violation>) {
    let mut newest = 0;
    let mut ended = BTreeSet::new();
    for effect in effects {
        if effect.moment == Moment::End {
            ended.insert(effect.n);
        } else if effect.n < newest {
            violations.push(Violation::Order { key: key.to_owned(), first: newest, second: effect.n });
        } else {
            if effect.n > newest && newest > 0 && !ended.contains(&newest) {
                violations.push(Violation::Unfinished { key: key.to_owned(), n: newest, next: effect.n });
            }
            newest = effect.n;
        }
    }
}

/// Each end belongs to the newest begin.
fn overlap(line: &str, effects: &[&Effect], violations: &mut Vec<Violation>) {
    let mut newest: Option<&Effect> = None;
    for effect in effects {
        match effect.moment {
            Moment::Begin => newest = Some(effect),
            Moment::End => {
                if let Some(begin) = newest.filter(|begin| begin.run != effect.run) {
                    let runs = [effect.run.clone(), begin.run.clone()];
                    violations.push(Violation::Overlap { line: line.to_owned(), runs });
                }
            }
        }
    }
}
