//! An event is one invocation; so is an idempotency key.

use std::collections::{BTreeMap, BTreeSet};

use super::{Observation, Violation};

pub(super) fn check(observation: &Observation, violations: &mut Vec<Violation>) {
    // What was promised and what ran, of the function that the event was handed to and of those down the chain.
    let mut of_event: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut of_key: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let asked: BTreeMap<&str, _> =
        observation.record.asked.iter().map(|asked| (asked.payload.as_str(), asked)).collect();
    for promise in &observation.record.promises {
        let Some(asked) = asked.get(promise.payload.as_str()) else { continue };
        of_event.entry((&asked.function, &asked.payload)).or_default().insert(&promise.id);
        if let Some(key) = &asked.idempotency_key {
            of_key.entry((&asked.function, key)).or_default().insert(&promise.id);
        }
    }
    for effect in &observation.effects {
        of_event.entry((&effect.function, &effect.payload)).or_default().insert(&effect.invocation);
    }
    for (id, invocation) in &observation.invocations {
        if let Some(key) = &invocation.idempotency_key {
            of_key.entry((&invocation.function, key)).or_default().insert(id);
        }
    }
    let own = |ids: BTreeSet<&str>| ids.into_iter().map(str::to_owned).collect();
    for ((_, payload), ids) in of_event.into_iter().filter(|(_, ids)| ids.len() > 1) {
        violations.push(Violation::Doubled { payload: payload.to_owned(), invocations: own(ids) });
    }
    for ((_, key), ids) in of_key.into_iter().filter(|(_, ids)| ids.len() > 1) {
        violations.push(Violation::IdempotencyKey { key: key.to_owned(), invocations: own(ids) });
    }
}
