//! Alarms, and the timer that nudges functions when delayed invocations and next attempts become available.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tidemill_core::Timestamp;
use tokio::sync::Notify;

use crate::shared::Shared;

/// The timer looks at the store at least this often, in case a nudge was lost.
const LOOK: Duration = Duration::from_secs(5);

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

    /// Waits until it rings, or for `at_most`.
    pub async fn rings(&self, shared: &Shared, at_most: Duration) {
        let deadline = shared.now() + at_most;
        loop {
            let until = self.earliest.lock().unwrap_or(deadline).min(deadline);
            let now = shared.now();
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

/// Nudges the functions that have something available, whenever something becomes so.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let wait = match shared.ports.store.due(shared.now()).await {
            Ok((functions, next)) => {
                shared.nudge(&functions);
                next.map_or(LOOK, |next| next.since(shared.now()).clamp(Duration::from_millis(1), LOOK))
            }
            Err(error) => {
                tracing::warn!(%error, "the queue cannot be looked at");
                LOOK
            }
        };
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            () = shared.due_alarm.rings(&shared, wait) => {}
        }
    }
}
