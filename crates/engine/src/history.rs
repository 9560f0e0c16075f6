//! The history of synchronous calls, written behind in batches so that no call waits for the disk.
//!
//! At most [`BATCH`] records each [`PACE`] are kept; under a heavier load the rest is counted by the metric
//! `tidemill_history_dropped_total` and forgotten. Failed calls and calls with a log are preferred.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tidemill_core::ports::HistoryRecord;

use crate::shared::Shared;

/// Records kept in one write.
const BATCH: usize = 500;
/// The time between two writes.
const PACE: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Waiting {
    records: Vec<HistoryRecord>,
    dropped: u64,
}

/// Takes records.
#[derive(Clone, Default)]
pub(crate) struct HistorySender {
    waiting: Arc<Mutex<Waiting>>,
}

impl HistorySender {
    /// Whether a plain success would be kept now.
    pub fn has_room(&self) -> bool {
        self.waiting.lock().records.len() < BATCH
    }

    /// Counts a record that was not even made.
    pub fn skip(&self) {
        self.waiting.lock().dropped += 1;
    }

    /// Keeps a record if there is room; an interesting one has twice as much.
    pub fn push(&self, record: HistoryRecord, is_interesting: bool) {
        let mut waiting = self.waiting.lock();
        let max = if is_interesting { 2 * BATCH } else { BATCH };
        if waiting.records.len() < max { waiting.records.push(record) } else { waiting.dropped += 1 }
    }

    async fn flush(&self, shared: &Shared) {
        let Waiting { records, dropped } = std::mem::take(&mut *self.waiting.lock());
        if dropped > 0 {
            metrics::counter!("tidemill_history_dropped_total").increment(dropped);
        }
        if records.is_empty() {
            return;
        }
        let count = records.len() as u64;
        if let Err(error) = shared.ports.store.record(records).await {
            metrics::counter!("tidemill_history_dropped_total").increment(count);
            tracing::warn!(%error, count, "the history of synchronous calls was not stored");
        }
    }
}

/// Writes until the engine has stopped, and once more then.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            biased;
            () = shared.abort.cancelled() => break,
            () = tokio::time::sleep(PACE) => {}
        }
        shared.history.flush(&shared).await;
    }
    shared.history.flush(&shared).await;
}
