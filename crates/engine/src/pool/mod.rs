//! The workers of one revision on this node, and who gets their slots.
//!
//! Calls take a free slot of the worker used last (its caches are warm, the others may fall idle) or wait in line. While
//! they wait the pool grows up to its maximum, as `core::scaling` decides. It shrinks again when workers have been idle for
//! the revision's `idleTimeout`, down to its minimum.
//!
//! A pool that is fully grown and busy may hand calls to busy workers ahead, as far as [`Pace`] finds that good.
//!
//! Phases: open → draining (a newer revision serves; whoever is here already is still served) → closed.
//! When a start fails and no other worker is there, callers that wait are told, and the next start waits a little longer
//! each time; until then callers are told at once. Queued work is patient: it stays in line for the next start, and a
//! failed one is told to the first in line only, for whom it was made; in an outage of the driver to nobody.

mod growth;
mod line;
mod slot;
mod state;
mod view;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use parking_lot::Mutex;
use tidemill_core::{
    ports::{Clock, LaunchError, Worker},
    scaling::LaunchCost,
    spec::Replicas,
};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::slot::Slot;
use self::{
    line::InLine,
    state::{Entry, Phase, State, Waiter},
};
use crate::{launcher::Launcher, notices::Herald, pace::Pace};

/// At most so many calls wait for a slot of one pool.
const WAITING_MAX: usize = 10_000;
/// How long a worker that has no call may take to end.
const STOP: Duration = Duration::from_secs(5);

/// Why there is no slot.
#[derive(Debug)]
pub(crate) enum AcquireError {
    /// None became free in time, or too many wait already.
    Busy,
    /// No worker starts.
    Launch(Arc<LaunchError>),
    /// The pool is closed, or takes no more queued work; a newer revision has another.
    Closed,
}

/// What a pool goes by.
pub(crate) struct PoolConfig {
    pub limits: Replicas,
    pub cost: LaunchCost,
    pub idle_timeout: Duration,
}

/// See the module.
pub(crate) struct Pool {
    launcher: Launcher,
    config: PoolConfig,
    clock: Arc<dyn Clock>,
    tasks: TaskTracker,
    state: Mutex<State>,
    pace: Pace,
    /// Told when the last slot is free and nobody waits.
    at_rest: Notify,
    closed: CancellationToken,
    /// Tells others that its first worker is ready, or could not be started.
    herald: OnceLock<Herald>,
}

impl Pool {
    pub fn new(launcher: Launcher, config: PoolConfig, clock: Arc<dyn Clock>, tasks: TaskTracker) -> Arc<Pool> {
        Arc::new(Pool {
            launcher,
            config,
            clock,
            tasks,
            state: Mutex::new(State::new()),
            pace: Pace::default(),
            at_rest: Notify::new(),
            closed: CancellationToken::new(),
            herald: OnceLock::new(),
        })
    }

    /// Slots that it has when fully grown.
    pub fn capacity(&self) -> u32 {
        let state = self.state.lock();
        self.config.limits.max.max(state.staying()).saturating_mul(state.slots)
    }

    /// How fast its calls are.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Whether a slot is free now.
    pub fn has_free_slot(&self) -> bool {
        let state = self.state.lock();
        state.phase == Phase::Open && state.waiters.is_empty() && state.entries.iter().any(Entry::is_free)
    }

    /// Whether somebody has to be told of its first worker, and by whom.
    pub fn set_herald(&self, herald: Herald) {
        // Only the deployment that made the pool sets it.
        let _ = self.herald.set(herald);
    }

    /// Takes a slot, waiting for one as long as `timeout` says. With none at all it still waits for the first worker to
    /// start: there is none to be busy. `None` is for queued work, which waits for as long as it takes.
    pub async fn acquire(self: &Arc<Self>, timeout: Option<Duration>) -> Result<Slot, AcquireError> {
        let is_patient = timeout.is_none();
        let (mut place, granted, timeout) = {
            let mut state = self.state.lock();
            if state.phase == Phase::Closed || (is_patient && state.phase == Phase::Draining) {
                return Err(AcquireError::Closed);
            }
            if state.waiters.is_empty()
                && let Some(slot) = self.take(&mut state, Duration::ZERO)
            {
                return Ok(slot);
            }
            // Patient ones are bounded by those who bring them.
            if let Some(trouble) = state.hopeless().filter(|_| !is_patient) {
                return Err(AcquireError::Launch(trouble.error.clone()));
            }
            if state.waiters.len() >= WAITING_MAX && !is_patient {
                return Err(AcquireError::Busy);
            }
            let (grant, granted) = oneshot::channel();
            let number = state.next_waiter;
            state.next_waiter += 1;
            let is_brief = timeout == Some(Duration::ZERO) && state.entries.is_empty();
            state.waiters.push_back(Waiter { number, since: Instant::now(), is_brief, is_patient, grant });
            self.grow(&mut state);
            // The driver bounds how long a start takes.
            (InLine::new(self, number), granted, timeout.filter(|_| !is_brief))
        };
        let outcome = match timeout {
            None => granted.await.ok(),
            Some(timeout) => tokio::time::timeout(timeout, granted).await.ok().and_then(Result::ok),
        };
        if outcome.is_some() {
            place.left();
        }
        outcome.unwrap_or(Err(AcquireError::Busy))
    }

    /// Serves whoever is here, for `grace` at most (`None`: for as long as it takes), and then stops the workers. Queued
    /// work that has no slot yet is sent to the newer revision.
    pub async fn drain(&self, grace: Option<Duration>) {
        self.state.lock().begin_draining();
        let rest = async {
            loop {
                let notified = self.at_rest.notified();
                if self.state.lock().is_at_rest() {
                    return;
                }
                notified.await;
            }
        };
        match grace {
            Some(grace) => drop(tokio::time::timeout(grace, rest).await),
            None => rest.await,
        }
        self.close(Duration::from_secs(1)).await;
    }

    /// Takes no more calls, and ends those that run after `grace`.
    pub async fn close(&self, grace: Duration) {
        let (entries, waiters) = {
            let mut state = self.state.lock();
            state.enter(Phase::Closed);
            (std::mem::take(&mut state.entries), std::mem::take(&mut state.waiters))
        };
        self.closed.cancel();
        for waiter in waiters {
            let _ = waiter.grant.send(Err(AcquireError::Closed));
        }
        let stops = entries.into_iter().map(|entry| async move { entry.worker.stop(grace).await });
        futures_util::future::join_all(stops).await;
    }

    /// Lets a worker finish its calls and stops it. Whether there is such a worker.
    pub fn send_away(self: &Arc<Self>, worker: &str) -> bool {
        let mut state = self.state.lock();
        if let Some(starting) = state.starting.iter_mut().find(|starting| &*starting.worker.0 == worker) {
            starting.is_leaving = true;
            return true;
        }
        let Some(entry) = state.entries.iter_mut().find(|entry| &*entry.worker.id().0 == worker) else { return false };
        entry.is_leaving = true;
        self.send_off(&mut state);
        // Those who wait may need another in its place.
        self.grow(&mut state);
        true
    }

    /// A free slot of the worker used last, or else a place behind the calls of the least busy one.
    fn take(self: &Arc<Self>, state: &mut State, cold_start: Duration) -> Option<Slot> {
        loop {
            let free = state.entries.iter().rposition(Entry::is_free);
            let index = free.or_else(|| self.least_busy(state))?;
            if !state.entries[index].worker.is_alive() {
                state.entries.remove(index);
                continue;
            }
            let last = state.entries.len() - 1;
            state.entries.swap(index, last);
            let entry = &mut state.entries[last];
            entry.open += 1;
            entry.last_call_at = Some(self.clock.now());
            return Some(Slot::new(self.clone(), entry.worker.clone(), cold_start));
        }
    }

    /// The worker to run ahead. None while the pool can still grow: those who wait are what makes it.
    fn least_busy(&self, state: &State) -> Option<usize> {
        if state.starting() > 0 || state.staying() < self.config.limits.max {
            return None;
        }
        let staying = state.entries.iter().enumerate().filter(|(_, entry)| !entry.is_leaving);
        let (index, entry) = staying.min_by_key(|(_, entry)| entry.open)?;
        let ahead = entry.open.saturating_sub(entry.worker.slots()) + 1;
        (ahead <= self.pace.ahead(entry.worker.ahead_max())).then_some(index)
    }

    /// Hands free slots to those who wait. `launch` is how long the worker that is now there took to start.
    fn serve(self: &Arc<Self>, state: &mut State, launch: Duration) {
        while !state.waiters.is_empty() {
            let Some(mut slot) = self.take(state, Duration::ZERO) else { break };
            let Some(waiter) = state.waiters.pop_front() else { break };
            slot.cold_start = waiter.since.elapsed().min(launch);
            if let Err(Ok(slot)) = waiter.grant.send(Ok(slot)) {
                // The one who waited is gone. Dropping the slot here would lock the state again.
                state.put_back(&slot.defuse());
            }
        }
        self.grow(state);
        if state.is_at_rest() {
            self.at_rest.notify_waiters();
        }
    }

    fn release(self: &Arc<Self>, worker: &Arc<dyn Worker>) {
        let mut state = self.state.lock();
        state.put_back(worker);
        self.send_off(&mut state);
        self.serve(&mut state, Duration::ZERO);
    }

    /// Stops the workers that were to leave and have no call any more.
    fn send_off(&self, state: &mut State) {
        while let Some(index) = state.entries.iter().position(|entry| entry.is_leaving && entry.open == 0) {
            self.stop_idle(state.entries.remove(index).worker);
        }
    }

    fn stop_idle(&self, worker: Arc<dyn Worker>) {
        self.tasks.spawn(async move { worker.stop(STOP).await });
    }
}
