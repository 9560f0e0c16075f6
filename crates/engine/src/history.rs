//! The history of synchronous calls, written behind in batches so that no call waits for the disk.
//!
//! A record is written at once when the last write was long enough ago, so that a list that follows a call has it.
//!
//! At most [`BATCH`] records each [`PACE`] are kept; under a heavier load the rest is counted by the metric
//! `tidemill_history_dropped_total` and forgotten. Failed calls and calls with a log are preferred.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tidemill_core::ports::HistoryRecord;
use tokio::sync::Notify;

use crate::shared::Shared;

/// Records kept in one write.
const BATCH: usize = 500;
/// The time after a write of so many; after a smaller one it is shorter in proportion.
const PACE: Duration = Duration::from_millis(250);
/// The shortest time after a write.
const PACE_MIN: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Waiting {
    records: Vec<HistoryRecord>,
    dropped: u64,
}

/// Takes records.
#[derive(Clone, Default)]
pub(crate) struct HistorySender {
    waiting: Arc<Mutex<Waiting>>,
    /// There is something to write, or to count.
    pushed: Arc<Notify>,
}

impl HistorySender {
    /// Whether a plain success would be kept now.
    pub fn has_room(&self) -> bool {
        self.waiting.lock().records.len() < BATCH
    }

    /// Counts a record that was not even made.
    pub fn skip(&self) {
        self.waiting.lock().dropped += 1;
        self.pushed.notify_one();
    }

    /// Keeps a record if there is room; an interesting one has twice as much.
    pub fn push(&self, record: HistoryRecord, is_interesting: bool) {
        let mut waiting = self.waiting.lock();
        let max = if is_interesting { 2 * BATCH } else { BATCH };
        if waiting.records.len() < max {
            waiting.records.push(record)
        } else {
            waiting.dropped += 1
        }
        drop(waiting);
        self.pushed.notify_one();
    }

    /// Writes what waits. Returns how many that were.
    async fn flush(&self, shared: &Shared) -> usize {
        let Waiting { records, dropped } = std::mem::take(&mut *self.waiting.lock());
        if dropped > 0 {
            metrics::counter!("tidemill_history_dropped_total").increment(dropped);
        }
        let length = records.len();
        if length == 0 {
            return 0;
        }
        let count = length as u64;
        if let Err(error) = shared.ports.store.record(records).await {
            metrics::counter!("tidemill_history_dropped_total").increment(count);
            tracing::warn!(%error, count, "the history of synchronous calls was not stored");
        }
        length
    }
}

/// Writes until the engine has stopped, and once more then.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            biased;
            () = shared.abort.cancelled() => break,
            () = shared.history.pushed.notified() => {}
        }
        let written = shared.history.flush(&shared).await;
        let share = u32::try_from(written).unwrap_or(u32::MAX);
        let rest = PACE.saturating_mul(share) / BATCH as u32;
        tokio::select! {
            biased;
            () = shared.abort.cancelled() => break,
            () = tokio::time::sleep(rest.clamp(PACE_MIN, PACE)) => {}
        }
    }
    shared.history.flush(&shared).await;
}
