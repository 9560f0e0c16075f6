//! A worker of the worker protocol whose output comes by way of the engine.
//!
//! Python and Node.js send what they print with the call; what still comes from their container is from libraries that write
//! past them. A program of its own prints to its container alone: its calls are held back for a moment, until nothing more
//! comes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tidemill_core::{
    InvocationId,
    invocation::{AttemptOutcome, LogLine},
    limits::LOG_ATTEMPT_LINES_MAX,
    ports::{Call, CallEnd, CallOutcome, Place, Worker, WorkerId},
};
use tokio::sync::mpsc;

use super::spoken::Spoken;
use crate::{
    linked::{LinkedWorker, Output},
    logs::cut_text,
};

/// See the module.
pub(super) struct ContainedWorker {
    pub worker: LinkedWorker,
    pub spoken: Arc<Spoken>,
    /// Whether it prints to its container alone.
    pub is_own_program: bool,
}

/// Listens to a container until it has ended.
pub(super) async fn listen(spoken: Arc<Spoken>, worker: WorkerId, mut printed: mpsc::Receiver<(Output, Bytes)>) {
    while let Some((output, bytes)) = printed.recv().await {
        spoken.hear(output, &bytes, |line| {
            let message = cut_text(line, 1024);
            tracing::debug!(%worker, message, "line outside of any call");
        });
    }
}

/// Lines of two sources in the order of their times.
pub(super) fn merged(mut lines: Vec<LogLine>, further: Vec<LogLine>) -> Vec<LogLine> {
    if further.is_empty() {
        return lines;
    }
    lines.extend(further);
    lines.sort_by_key(|line| line.time);
    lines.truncate(LOG_ATTEMPT_LINES_MAX);
    lines
}

impl ContainedWorker {
    /// Says what the container printed last, if the reason does not.
    fn explain(&self, outcome: &mut CallOutcome) {
        if let CallOutcome::Broken { outcome: AttemptOutcome::Crashed, reason } = outcome
            && !reason.contains("its last line was")
            && let Some(line) = self.spoken.last_line()
        {
            *reason = format!("{reason}; its last line was: {line}");
        }
    }
}

#[async_trait]
impl Worker for ContainedWorker {
    fn id(&self) -> &WorkerId {
        self.worker.id()
    }

    fn slots(&self) -> u32 {
        self.worker.slots()
    }

    fn ahead_max(&self) -> u32 {
        // The lines of the next call would be taken for those of the one that is held back.
        if self.is_own_program { 0 } else { self.worker.ahead_max() }
    }

    async fn call(&self, call: &Call) -> CallEnd {
        let hearing = self.spoken.open(call.invocation);
        let mut end = self.worker.call(call).await;
        let has_broken = matches!(end.outcome, CallOutcome::Broken { .. });
        if self.is_own_program || has_broken {
            hearing.settle(has_broken).await;
        }
        self.explain(&mut end.outcome);
        end.logs = merged(end.logs, hearing.close());
        end
    }

    async fn logs_so_far(&self, invocation: InvocationId) -> Option<Vec<LogLine>> {
        let lines = self.worker.logs_so_far(invocation).await?;
        Some(merged(lines, self.spoken.so_far(invocation).unwrap_or_default()))
    }

    fn is_alive(&self) -> bool {
        self.worker.is_alive()
    }

    fn place(&self) -> Place {
        self.worker.place()
    }

    async fn gone(&self) {
        self.worker.gone().await;
    }

    async fn stop(&self, grace: Duration) {
        self.worker.stop(grace).await;
    }

    async fn cancel(&self, invocation: InvocationId) {
        self.worker.cancel(invocation).await;
    }
}
