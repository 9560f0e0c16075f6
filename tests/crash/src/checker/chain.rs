//! A response is handed to each subscriber exactly once.

use std::collections::BTreeMap;

use super::{Observation, Violation};

pub(super) fn check(observation: &Observation, violations: &mut Vec<Violation>) {
    let mut children: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (id, invocation) in &observation.invocations {
        let Some(parent) = &invocation.parent else { continue };
        *children.entry((parent, &invocation.function)).or_default() += 1;
        if observation.invocations.get(parent).is_none_or(|parent| parent.status != "succeeded") {
            violations.push(Violation::Orphan { id: id.clone() });
        }
    }
    for (upstream, subscriber) in &observation.subscriptions {
        for (id, invocation) in &observation.invocations {
            if invocation.function != *upstream || invocation.status != "succeeded" {
                continue;
            }
            let count = children.get(&(id.as_str(), subscriber.as_str())).copied().unwrap_or(0);
            if count != 1 {
                let (parent, subscriber) = (id.clone(), subscriber.clone());
                violations.push(Violation::Chain { parent, subscriber, children: count });
            }
        }
    }
}
