//! Metrics of one function, with their handles at hand. They are registered when first needed: most of many functions are
//! idle, and a series costs memory.

use std::{sync::OnceLock, time::Duration};

use metrics::{Counter, Histogram};
use tidemill_core::{FunctionRef, invocation::AttemptOutcome};

pub(crate) struct FunctionMetrics {
    function: FunctionRef,
    handles: OnceLock<Handles>,
}

struct Handles {
    accepted: Counter,
    refused: Counter,
    succeeded: Counter,
    failed: Counter,
    seconds: Histogram,
}

impl Handles {
    fn new(function: &FunctionRef) -> Handles {
        let project = function.project.to_string();
        let name = function.name.to_string();
        let attempts = |result: &'static str| metrics::counter!("tidemill_attempts_total", "project" => project.clone(), "function" => name.clone(), "result" => result);
        Handles {
            succeeded: attempts("success"),
            failed: attempts("failure"),
            accepted: metrics::counter!("tidemill_accepted_total", "project" => project.clone(), "function" => name.clone()),
            refused: metrics::counter!("tidemill_refused_total", "project" => project.clone(), "function" => name.clone()),
            seconds: metrics::histogram!("tidemill_attempt_seconds", "project" => project, "function" => name),
        }
    }
}

impl FunctionMetrics {
    pub fn new(function: &FunctionRef) -> FunctionMetrics {
        FunctionMetrics { function: function.clone(), handles: OnceLock::new() }
    }

    fn handles(&self) -> &Handles {
        self.handles.get_or_init(|| Handles::new(&self.function))
    }

    pub fn accepted(&self, count: usize) {
        self.handles().accepted.increment(count as u64);
    }

    pub fn refused(&self) {
        self.handles().refused.increment(1);
    }

    pub fn attempt_ended(&self, outcome: AttemptOutcome, duration: Duration) {
        let handles = self.handles();
        let counter = if outcome == AttemptOutcome::Succeeded { &handles.succeeded } else { &handles.failed };
        counter.increment(1);
        handles.seconds.record(duration);
    }
}
