//! Nothing promised is lost, and nothing runs that nobody asked for.

use std::collections::BTreeSet;

use super::{Observation, Violation};
use crate::effects::Moment;

pub(super) fn check(observation: &Observation, violations: &mut Vec<Violation>) {
    let ended: BTreeSet<&str> = observation
        .effects
        .iter()
        .filter(|effect| effect.moment == Moment::End)
        .map(|effect| effect.payload.as_str())
        .collect();
    for promise in &observation.record.promises {
        match observation.invocations.get(&promise.id) {
            None => violations.push(Violation::Lost { id: promise.id.clone() }),
            Some(invocation) if invocation.status != "succeeded" => violations.push(Violation::NotSucceeded {
                id: promise.id.clone(),
                status: invocation.status.clone(),
                reason: invocation.reason.clone(),
            }),
            Some(_) if !ended.contains(promise.payload.as_str()) => {
                violations.push(Violation::NoEffect { payload: promise.payload.clone() });
            }
            Some(_) => {}
        }
    }
    let asked: BTreeSet<&str> = observation.record.asked.iter().map(|asked| asked.payload.as_str()).collect();
    let mut unknown = BTreeSet::new();
    let mut phantoms = BTreeSet::new();
    for effect in &observation.effects {
        if !observation.invocations.contains_key(&effect.invocation) {
            unknown.insert(effect.invocation.clone());
        }
        if !asked.contains(effect.payload.as_str()) {
            phantoms.insert(effect.payload.clone());
        }
    }
    violations.extend(unknown.into_iter().map(|invocation| Violation::Unknown { invocation }));
    violations.extend(phantoms.into_iter().map(|payload| Violation::Phantom { payload }));
    violations.extend(observation.record.strange.iter().map(|answer| Violation::Strange { answer: answer.clone() }));
}
