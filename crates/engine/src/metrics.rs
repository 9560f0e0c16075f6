//! Metrics of one function, with their handles at hand.

use std::time::Duration;

use metrics::{Counter, Histogram};
use tidemill_core::{FunctionRef, invocation::AttemptOutcome};

pub(crate) struct FunctionMetrics {
    accepted: Counter,
    refused: Counter,
    succeeded: Counter,
    failed: Counter,
    seconds: Histogram,
}

impl FunctionMetrics {
    pub fn new(function: &FunctionRef) -> FunctionMetrics {
        let project = function.project.to_string();
        let name = function.name.to_string();
        let attempts = |result: &'static str| {
            metrics::counter!("tidemill_attempts_total", "project" => project.clone(), "function" => name.clone(), "result" => result)
        };
        FunctionMetrics {
            succeeded: attempts("success"),
            failed: attempts("failure"),
            accepted: metrics::counter!("tidemill_accepted_total", "project" => project.clone(), "function" => name.clone()),
            refused: metrics::counter!("tidemill_refused_total", "project" => project.clone(), "function" => name.clone()),
            seconds: metrics::histogram!("tidemill_attempt_seconds", "project" => project, "function" => name),
        }
    }

    pub fn accepted(&self, count: usize) {
        self.accepted.increment(count as u64);
    }

    pub fn refused(&self) {
        self.refused.increment(1);
    }

    pub fn attempt_ended(&self, outcome: AttemptOutcome, duration: Duration) {
        let counter = if outcome == AttemptOutcome::Succeeded { &self.succeeded } else { &self.failed };
        counter.increment(1);
        self.seconds.record(duration);
    }
}
