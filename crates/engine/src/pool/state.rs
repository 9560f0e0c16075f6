//! What a pool knows under its lock.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tidemill_core::{
    Timestamp,
    ports::{LaunchError, Worker, WorkerId},
};
use tokio::{sync::oneshot, time::Instant};

use super::{AcquireError, Slot};

/// The wait before another start after the first failure; doubles with each.
const BACKOFF: Duration = Duration::from_millis(250);
/// The longest wait before another start.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    Draining,
    Closed,
}

pub(super) struct Entry {
    pub worker: Arc<dyn Worker>,
    pub started_at: Timestamp,
    pub last_call_at: Option<Timestamp>,
    /// Takes no more calls and is stopped after those it has.
    pub is_leaving: bool,
    /// Calls handed to it and not ended; more than its slots when it is run ahead.
    pub open: u32,
    pub idle_since: Instant,
}

impl Entry {
    pub fn is_free(&self) -> bool {
        !self.is_leaving && self.open < self.worker.slots().max(1)
    }

    pub fn is_idle(&self) -> bool {
        !self.is_leaving && self.open == 0
    }
}

/// A worker on its way.
pub(super) struct Starting {
    pub worker: WorkerId,
    pub started_at: Timestamp,
    /// Is stopped as soon as it is there.
    pub is_leaving: bool,
}

pub(super) struct Waiter {
    pub number: u64,
    pub since: Instant,
    /// Waits for a worker to start, but not for a busy one.
    pub is_brief: bool,
    /// Queued work, which waits for as long as it takes.
    pub is_patient: bool,
    pub grant: oneshot::Sender<Result<Slot, AcquireError>>,
}

pub(super) struct Trouble {
    pub error: Arc<LaunchError>,
    pub failures: u32,
    pub until: Instant,
}

pub(super) struct State {
    /// The one used last is last.
    pub entries: Vec<Entry>,
    /// In the order in which the starts began.
    pub starting: Vec<Starting>,
    /// A worker has become ready at some time.
    pub was_ready: bool,
    /// Starts are tried until a first worker is ready, even if nobody waits for it.
    pub wants_first: bool,
    pub waiters: VecDeque<Waiter>,
    pub next_waiter: u64,
    pub phase: Phase,
    pub trouble: Option<Trouble>,
    /// Slots a worker has, known from the last one that started.
    pub slots: u32,
    /// When the pool is looked at again.
    pub wake: Option<Instant>,
}

impl State {
    pub fn new() -> State {
        State {
            entries: Vec::new(),
            starting: Vec::new(),
            was_ready: false,
            wants_first: false,
            waiters: VecDeque::new(),
            next_waiter: 0,
            phase: Phase::Open,
            trouble: None,
            slots: 1,
            wake: None,
        }
    }

    /// Workers that take calls.
    pub fn staying(&self) -> u32 {
        u32::try_from(self.entries.iter().filter(|entry| !entry.is_leaving).count()).unwrap_or(u32::MAX)
    }

    /// Workers being started.
    pub fn starting(&self) -> u32 {
        u32::try_from(self.starting.len()).unwrap_or(u32::MAX)
    }

    /// A start has ended.
    pub fn end_start(&mut self, worker: &WorkerId) -> Starting {
        let index = self.starting.iter().position(|starting| starting.worker == *worker);
        self.starting.remove(index.expect("each start ends once"))
    }

    pub fn enter(&mut self, phase: Phase) {
        if self.phase != Phase::Closed {
            self.phase = phase;
        }
    }

    pub fn begin_draining(&mut self) {
        self.enter(Phase::Draining);
        let (patient, others): (VecDeque<Waiter>, _) = self.waiters.drain(..).partition(|waiter| waiter.is_patient);
        self.waiters = others;
        for waiter in patient {
            let _ = waiter.grant.send(Err(AcquireError::Closed));
        }
    }

    pub fn is_at_rest(&self) -> bool {
        self.waiters.is_empty() && self.starting.is_empty() && self.entries.iter().all(|entry| entry.open == 0)
    }

    /// Tells those who waited for a start only that all starts are over.
    pub fn refuse_brief(&mut self) {
        if !self.starting.is_empty() {
            return;
        }
        let (brief, others): (VecDeque<Waiter>, _) = self.waiters.drain(..).partition(|waiter| waiter.is_brief);
        self.waiters = others;
        for waiter in brief {
            let _ = waiter.grant.send(Err(AcquireError::Busy));
        }
    }

    /// A call of the worker has ended.
    pub fn put_back(&mut self, worker: &Arc<dyn Worker>) {
        let Some(index) = self.entries.iter().position(|entry| Arc::ptr_eq(&entry.worker, worker)) else { return };
        if worker.is_alive() {
            self.entries[index].open -= 1;
            self.entries[index].idle_since = Instant::now();
        } else {
            self.entries.remove(index);
        }
    }

    /// Until when the next start has to wait, when it has to.
    pub fn backs_off_until(&self) -> Option<Instant> {
        self.trouble.as_ref().map(|trouble| trouble.until).filter(|until| *until > Instant::now())
    }

    /// Why waiting is in vain: nobody is there, nobody comes, and the next start has to wait.
    pub fn hopeless(&self) -> Option<&Trouble> {
        let is_empty = self.entries.is_empty() && self.starting.is_empty();
        self.trouble.as_ref().filter(|_| is_empty && self.backs_off_until().is_some())
    }

    /// A start has failed. The next one has to wait. In an outage queued work does not get to know of it.
    pub fn fail(&mut self, error: &Arc<LaunchError>, is_outage: bool) {
        let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures) + 1;
        let backoff = BACKOFF.saturating_mul(1 << (failures - 1).min(10)).min(BACKOFF_MAX);
        let until = Instant::now() + backoff;
        self.trouble = Some(Trouble { error: error.clone(), failures, until });
        if self.entries.is_empty() && self.starting.is_empty() {
            for (index, waiter) in std::mem::take(&mut self.waiters).into_iter().enumerate() {
                if waiter.is_patient && (index > 0 || is_outage) {
                    self.waiters.push_back(waiter);
                } else {
                    let _ = waiter.grant.send(Err(AcquireError::Launch(error.clone())));
                }
            }
        }
    }
}
