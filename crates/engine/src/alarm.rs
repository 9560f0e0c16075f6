//! An alarm that many may set and one waits for.

use std::time::Duration;

use parking_lot::Mutex;
use tidemill_core::{Timestamp, ports::Clock};
use tokio::sync::Notify;

/// Rings once at the earliest time it was set to.
#[derive(Default)]
pub(crate) struct Alarm {
    earliest: Mutex<Option<Timestamp>>,
    changed: Notify,
}

impl Alarm {
    /// Rings at `at`, or before.
    pub fn at(&self, at: Timestamp) {
        let mut earliest = self.earliest.lock();
        if earliest.is_none_or(|earlier| at < earlier) {
            *earliest = Some(at);
            self.changed.notify_one();
        }
    }

    /// Waits until it rings, or for `at_most`. Either way whoever waited looks anew, and sets it again for what is to come.
    pub async fn rings(&self, clock: &dyn Clock, at_most: Duration) {
        let deadline = clock.now() + at_most;
        loop {
            let until = self.earliest.lock().unwrap_or(deadline).min(deadline);
            let now = clock.now();
            if until <= now {
                self.earliest.lock().take();
                return;
            }
            tokio::select! {
                biased;
                () = self.changed.notified() => {}
                () = tokio::time::sleep(until.since(now)) => {}
            }
        }
    }
}
