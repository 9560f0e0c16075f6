//! An invocation settles once.

use super::{Observation, Violation};

pub(super) fn check(observation: &Observation, violations: &mut Vec<Violation>) {
    for (id, invocation) in &observation.invocations {
        let succeeded = invocation.attempts.iter().filter(|attempt| attempt.outcome == "succeeded").count();
        let last_succeeded = invocation.attempts.last().is_some_and(|attempt| attempt.outcome == "succeeded");
        let is_succeeded = invocation.status == "succeeded";
        if succeeded != usize::from(is_succeeded) || last_succeeded != is_succeeded {
            let outcomes = invocation.attempts.iter().map(|attempt| attempt.outcome.clone()).collect();
            violations.push(Violation::SettledTwice { id: id.clone(), outcomes });
        }
        let numbers: Vec<u32> = invocation.attempts.iter().map(|attempt| attempt.number).collect();
        if !(1..=invocation.begun).eq(numbers.iter().copied()) {
            violations.push(Violation::AttemptNumbers { id: id.clone(), numbers, begun: invocation.begun });
        }
    }
}
