//! What follows an attempt: success, another attempt later, or giving up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    invocation::{AttemptOutcome, Status},
    limits::INTERRUPTIONS_MAX,
    spec::Completion,
    time::Timestamp,
};

/// Attempts and the waits between them: exponential backoff with jitter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RetryPolicy {
    /// Attempts in all, the first included. At least 1.
    pub max_attempts: u32,
    /// The wait after the first failure.
    pub initial: Duration,
    /// Each further wait is this many times longer. At least 1.
    pub factor: f64,
    /// No wait is longer.
    pub max: Duration,
    /// A wait is shortened by up to this share of itself, by chance, so that many failures do not return at once: 0 to 1.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            max_attempts: 5,
            initial: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_secs(300),
            jitter: 0.5,
        }
    }
}

impl RetryPolicy {
    /// The wait after failure number `failures` (from 1). `chance` is a random number from 0 to 1.
    pub fn wait(&self, failures: u32, chance: f64) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial.as_secs_f64() * self.factor.max(1.0).powi(exponent);
        let seconds = seconds.min(self.max.as_secs_f64());
        let cut = self.jitter.clamp(0.0, 1.0) * chance.clamp(0.0, 1.0);
        Duration::from_secs_f64(seconds * (1.0 - cut))
    }
}

/// What becomes of an invocation after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its status now.
    pub status: Status,
    /// When the next attempt may begin, for [`Status::Queued`].
    pub available_at: Timestamp,
    /// Attempts failed so far.
    pub failures: u32,
    /// Attempts interrupted so far.
    pub interruptions: u32,
}

/// Decides what follows an attempt of a queued invocation that ended with `outcome` at `now`.
///
/// `failures` and `interruptions` are the counts before it. An interrupted attempt is not a failed one: it runs again at
/// once and uses up nothing, until it has been interrupted [`INTERRUPTIONS_MAX`] times. `completion` is for attempts that have
/// begun; one that has not is [`Completion::Success`]'s.
pub fn after_attempt(
    policy: &RetryPolicy,
    completion: Completion,
    outcome: AttemptOutcome,
    failures: u32,
    interruptions: u32,
    now: Timestamp,
    chance: f64,
) -> Verdict {
    let verdict = |status, failures, interruptions| Verdict { status, available_at: now, failures, interruptions };
    match outcome {
        AttemptOutcome::Succeeded => verdict(Status::Succeeded, failures, interruptions),
        AttemptOutcome::Raised
        | AttemptOutcome::TimedOut
        | AttemptOutcome::OutOfMemory
        | AttemptOutcome::BadResponse
        | AttemptOutcome::Cancelled
            if completion == Completion::Run =>
        {
            verdict(Status::Succeeded, failures, interruptions)
        }
        AttemptOutcome::Cancelled => verdict(Status::Cancelled, failures, interruptions),
        AttemptOutcome::Interrupted => {
            let interruptions = interruptions.saturating_add(1);
            let status = if interruptions >= INTERRUPTIONS_MAX { Status::DeadLettered } else { Status::Queued };
            verdict(status, failures, interruptions)
        }
        AttemptOutcome::Raised
        | AttemptOutcome::TimedOut
        | AttemptOutcome::Crashed
        | AttemptOutcome::OutOfMemory
        | AttemptOutcome::BadResponse
        | AttemptOutcome::LaunchFailed => {
            let failures = failures.saturating_add(1);
            if failures >= policy.max_attempts.max(1) {
                verdict(Status::DeadLettered, failures, interruptions)
            } else {
                let available_at = now + policy.wait(failures, chance);
                Verdict { status: Status::Queued, available_at, failures, interruptions }
            }
        }
    }
}

/// What becomes of an invocation that is given back before its attempt began: it waits where it waited, and nothing is
/// counted.
pub fn given_back(failures: u32, interruptions: u32, available_at: Timestamp) -> Verdict {
    Verdict { status: Status::Queued, available_at, failures, interruptions }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    #[test]
    fn waits_grow_and_stop_growing() {
        let policy = RetryPolicy { jitter: 0.0, max: Duration::from_secs(10), ..RetryPolicy::default() };
        let waits: Vec<u64> = (1..=6).map(|failures| policy.wait(failures, 0.9).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
    }

    #[test]
    fn outcomes_lead_where_they_should() {
        let policy = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
        for (outcome, failures, status) in [
            (AttemptOutcome::Succeeded, 0, Status::Succeeded),
            (AttemptOutcome::Succeeded, 2, Status::Succeeded),
            (AttemptOutcome::Raised, 0, Status::Queued),
            (AttemptOutcome::Crashed, 1, Status::Queued),
            (AttemptOutcome::TimedOut, 2, Status::DeadLettered),
            (AttemptOutcome::Interrupted, 2, Status::Queued),
            (AttemptOutcome::Cancelled, 0, Status::Cancelled),
        ] {
            let verdict = after_attempt(&policy, Completion::Success, outcome, failures, 0, NOW, 0.5);
            assert_eq!(verdict.status, status, "{outcome:?} after {failures} failures");
        }
    }

    #[test]
    fn what_counts_as_complete_is_a_setting() {
        let policy = RetryPolicy::default();
        for outcome in AttemptOutcome::ALL {
            let status = after_attempt(&policy, Completion::Run, outcome, 0, 0, NOW, 0.5).status;
            let expected = match outcome {
                AttemptOutcome::Succeeded
                | AttemptOutcome::Raised
                | AttemptOutcome::TimedOut
                | AttemptOutcome::OutOfMemory
                | AttemptOutcome::BadResponse
                | AttemptOutcome::Cancelled => Status::Succeeded,
                AttemptOutcome::Crashed | AttemptOutcome::LaunchFailed | AttemptOutcome::Interrupted => Status::Queued,
            };
            assert_eq!(status, expected, "{outcome:?}");
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_bounded(failures in 0u32..10_000, chance in -1.0f64..2.0, factor in 0.0f64..100.0, jitter in 0.0f64..1.0) {
            let policy = RetryPolicy { factor, jitter, ..RetryPolicy::default() };
            prop_assert!(policy.wait(failures, chance) <= policy.max);
        }

        #[test]
        fn attempts_end(max_attempts in 1u32..20, interrupted in 0u32..50) {
            let policy = RetryPolicy { max_attempts, ..RetryPolicy::default() };
            let (mut failures, mut interruptions, mut attempts) = (0, 0, 0);
            for _ in 0..interrupted {
                let outcome = AttemptOutcome::Interrupted;
                let verdict = after_attempt(&policy, Completion::Success, outcome, failures, interruptions, NOW, 0.5);
                prop_assert_eq!(verdict.status, Status::Queued);
                interruptions = verdict.interruptions;
            }
            loop {
                let outcome = AttemptOutcome::Raised;
                let verdict = after_attempt(&policy, Completion::Success, outcome, failures, interruptions, NOW, 0.5);
                attempts += 1;
                failures = verdict.failures;
                if verdict.status == Status::DeadLettered { break }
                prop_assert!(verdict.available_at >= NOW);
            }
            prop_assert_eq!(attempts, max_attempts);
        }
    }
}
