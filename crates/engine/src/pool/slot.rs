//! Slots.

use std::{sync::Arc, time::Duration};

use tidemill_core::ports::{Call, CallEnd, CallOutcome, Worker};

use super::Pool;

/// One unit of a worker's concurrency; given back when dropped.
pub(crate) struct Slot {
    pool: Arc<Pool>,
    /// `None` once defused.
    worker: Option<Arc<dyn Worker>>,
    /// How much of the wait for it was a worker starting.
    pub cold_start: Duration,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("cold_start", &self.cold_start).finish_non_exhaustive()
    }
}

impl Slot {
    pub(super) fn new(pool: Arc<Pool>, worker: Arc<dyn Worker>, cold_start: Duration) -> Slot {
        Slot { pool, worker: Some(worker), cold_start }
    }

    pub fn worker(&self) -> &Arc<dyn Worker> {
        self.worker.as_ref().expect("a slot is defused only by the pool, which then drops it")
    }

    /// Runs a call on the slot's worker.
    pub async fn call(&self, call: &Call) -> CallEnd {
        let end = self.worker().call(call).await;
        match &end.outcome {
            CallOutcome::Replied(replies) => {
                let asked: usize = call.events.iter().map(|event| event.body.len()).sum();
                let replied: usize = replies.iter().map(|reply| reply.body.len()).sum();
                self.pool.pace.observe(end.user_code, asked + replied);
            }
            CallOutcome::Raised { .. } => self.pool.pace.observe(end.user_code, 0),
            CallOutcome::Broken { .. } => self.pool.pace.broke(),
        }
        end
    }

    /// The worker, without giving back the slot.
    pub(super) fn defuse(mut self) -> Arc<dyn Worker> {
        self.worker.take().expect("a slot is defused once")
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.pool.release(&worker);
        }
    }
}
