//! What others see of a pool.

use std::sync::Arc;

use tidemill_core::ports::{LaunchError, Place};
use tokio::time::Instant;

use super::{Phase, Pool};
use crate::request::{WorkerStatus, WorkerView, WorkersView};

impl Pool {
    pub fn view(&self) -> WorkersView {
        let state = self.state.lock();
        WorkersView {
            ready: u32::try_from(state.entries.len()).unwrap_or(u32::MAX),
            starting: state.starting(),
            busy_slots: state.entries.iter().map(|entry| entry.open.min(entry.worker.slots())).sum(),
            waiting: u32::try_from(state.waiters.len()).unwrap_or(u32::MAX),
            min: self.config.limits.min,
            max: self.config.limits.max,
        }
    }

    /// Its workers, oldest first.
    pub fn workers(&self) -> Vec<WorkerView> {
        let state = self.state.lock();
        let is_open = state.phase == Phase::Open;
        let there = state.entries.iter().map(|entry| WorkerView {
            id: entry.worker.id().to_string(),
            status: match entry.open {
                _ if entry.is_leaving || !is_open => WorkerStatus::Stopping,
                0 => WorkerStatus::Ready,
                _ => WorkerStatus::Busy,
            },
            revision: self.launcher.revision(),
            started_at: entry.started_at,
            last_call_at: entry.last_call_at,
            place: entry.worker.place(),
        });
        let coming = state.starting.iter().map(|starting| WorkerView {
            id: starting.worker.to_string(),
            status: if starting.is_leaving { WorkerStatus::Stopping } else { WorkerStatus::Starting },
            revision: self.launcher.revision(),
            started_at: starting.started_at,
            last_call_at: None,
            place: Place::default(),
        });
        let mut workers: Vec<_> = there.chain(coming).collect();
        workers.sort_by_key(|worker| worker.started_at);
        workers
    }

    /// Whether a worker has become ready at some time.
    pub fn was_ready(&self) -> bool {
        self.state.lock().was_ready
    }

    /// A former life of the node had a worker of this revision ready.
    pub fn set_was_ready(&self) {
        self.state.lock().was_ready = true;
    }

    /// Why workers do not start, when they do not.
    pub fn problem(&self) -> Option<String> {
        self.state.lock().trouble.as_ref().map(|trouble| trouble.error.reason.clone())
    }

    /// Whether the last start failed.
    pub fn has_trouble(&self) -> bool {
        self.state.lock().trouble.is_some()
    }

    /// When the next start may be made, while nobody is there and nobody comes.
    pub fn hopeless_until(&self) -> Option<Instant> {
        self.state.lock().hopeless().map(|trouble| trouble.until)
    }

    /// Why nobody is there and nobody comes.
    pub fn hopeless(&self) -> Option<Arc<LaunchError>> {
        self.state.lock().hopeless().map(|trouble| trouble.error.clone())
    }

    /// Whether no worker is there.
    pub fn is_empty(&self) -> bool {
        self.state.lock().entries.is_empty()
    }
}
