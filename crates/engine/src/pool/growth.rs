//! How a pool grows and shrinks.

use std::{sync::Arc, time::Duration};

use tidemill_core::{
    ports::{LaunchError, Worker, WorkerId},
    scaling::{self, Demand},
};
use tokio::time::Instant;

use super::{
    Pool,
    state::{Entry, Phase, Starting, State},
};
use crate::request::Ensured;

impl Pool {
    /// Starts one worker and waits until it is ready.
    pub async fn start_one(self: &Arc<Self>) -> Result<(), Arc<LaunchError>> {
        let worker = self.begin_start(&mut self.state.lock());
        self.launch(worker).await
    }

    /// From now on, starts are tried until a first worker is ready, even if nobody waits for it.
    pub fn want_first(&self) {
        self.state.lock().wants_first = true;
    }

    /// Starts what is missing to `count` workers, whatever the maximum.
    pub fn ensure(self: &Arc<Self>, count: u32) -> Ensured {
        let mut state = self.state.lock();
        let before = state.staying() + state.starting();
        let started = if state.phase == Phase::Open { count.saturating_sub(before) } else { 0 };
        (0..started).for_each(|_| self.spawn_launch(&mut state));
        Ensured { before, started }
    }

    /// Starts what is missing to the minimum, and stops what has been idle for long. What is not active has no minimum.
    pub fn tend(self: &Arc<Self>, is_active: bool) {
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            return;
        }
        let wants_first = state.wants_first && !state.was_ready;
        let min = match is_active {
            true => self.config.limits.min.max(u32::from(wants_first)),
            false => 0,
        };
        let now = Instant::now();
        let timeout = self.config.idle_timeout;
        let mut surplus = state.staying().saturating_sub(min);
        while surplus > 0 {
            let is_old = |entry: &Entry| entry.is_idle() && now.duration_since(entry.idle_since) >= timeout;
            let Some(index) = state.entries.iter().position(is_old) else { break };
            self.stop_idle(state.entries.remove(index).worker);
            surplus -= 1;
        }
        while state.backs_off_until().is_none() && state.staying() + state.starting() < min {
            self.spawn_launch(&mut state);
        }
    }

    /// Starts workers for those who wait, as far as it should.
    pub(super) fn grow(self: &Arc<Self>, state: &mut State) {
        let Some(oldest) = state.waiters.front().map(|waiter| waiter.since.elapsed()) else { return };
        if state.phase == Phase::Closed {
            return;
        }
        if let Some(until) = state.backs_off_until() {
            self.wake_at(state, until);
            return;
        }
        let growth = scaling::grow(&Demand {
            waiting: u32::try_from(state.waiters.len()).unwrap_or(u32::MAX),
            oldest,
            slots: state.slots,
            starting: state.starting(),
            ready: state.staying(),
            max: self.config.limits.max,
            cost: self.config.cost,
        });
        (0..growth.start).for_each(|_| self.spawn_launch(state));
        if let Some(after) = growth.look_again {
            self.wake_at(state, Instant::now() + after);
        }
    }

    /// Looks at the pool again then, unless that happens earlier anyway.
    fn wake_at(self: &Arc<Self>, state: &mut State, at: Instant) {
        if state.wake.is_some_and(|wake| wake <= at) {
            return;
        }
        state.wake = Some(at);
        let (pool, closed) = (Arc::downgrade(self), self.closed.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = closed.cancelled() => return,
                () = tokio::time::sleep_until(at) => {}
            }
            let Some(pool) = pool.upgrade() else { return };
            let mut state = pool.state.lock();
            if state.wake == Some(at) {
                state.wake = None;
            }
            pool.grow(&mut state);
        });
    }

    fn begin_start(&self, state: &mut State) -> WorkerId {
        let worker = self.launcher.name();
        let starting = Starting { worker: worker.clone(), started_at: self.clock.now(), is_leaving: false };
        state.starting.push(starting);
        worker
    }

    fn spawn_launch(self: &Arc<Self>, state: &mut State) {
        let worker = self.begin_start(state);
        let pool = self.clone();
        // A failure is remembered in the state and told to those who wait.
        self.tasks.spawn(async move { drop(pool.launch(worker).await) });
    }

    /// Starts the worker that is among those being started already.
    async fn launch(self: &Arc<Self>, worker: WorkerId) -> Result<(), Arc<LaunchError>> {
        let began = Instant::now();
        let launched = self.launcher.launch(worker.clone()).await.map_err(Arc::new);
        let took = began.elapsed();
        let is_outage = launched.is_err() && self.launcher.has_outage().await;
        if let Some(herald) = self.herald.get() {
            // The first call comes after the news that it can.
            herald.tell(launched.as_ref().map(|_| ())).await;
        }
        let surplus = self.launched(&worker, &launched, is_outage, took);
        self.state.lock().refuse_brief();
        if let Some(worker) = surplus {
            worker.stop(Duration::ZERO).await;
        }
        launched.map(|_| ())
    }

    /// A start has ended. Returns the worker when nobody needs it any more.
    fn launched(
        self: &Arc<Self>,
        name: &WorkerId,
        launched: &Result<Arc<dyn Worker>, Arc<LaunchError>>,
        is_outage: bool,
        took: Duration,
    ) -> Option<Arc<dyn Worker>> {
        let mut state = self.state.lock();
        let Starting { started_at, is_leaving, .. } = state.end_start(name);
        match launched {
            Ok(worker) if state.phase == Phase::Closed => return Some(worker.clone()),
            Ok(worker) if is_leaving => {
                self.grow(&mut state);
                return Some(worker.clone());
            }
            Ok(worker) => {
                state.slots = worker.slots().max(1);
                state.trouble = None;
                state.was_ready = true;
                state.entries.push(Entry {
                    worker: worker.clone(),
                    started_at,
                    last_call_at: None,
                    is_leaving: false,
                    open: 0,
                    idle_since: Instant::now(),
                });
                self.serve(&mut state, took);
                self.watch(worker.clone());
            }
            Err(error) => {
                tracing::warn!(function = %self.launcher.function(), reason = %error, "a worker did not start");
                state.fail(error, is_outage);
                self.grow(&mut state);
                if state.is_at_rest() {
                    self.at_rest.notify_waiters();
                }
            }
        }
        None
    }

    /// Forgets the worker when it is gone.
    fn watch(self: &Arc<Self>, worker: Arc<dyn Worker>) {
        let pool = Arc::downgrade(self);
        self.tasks.spawn(async move {
            worker.gone().await;
            let Some(pool) = pool.upgrade() else { return };
            let mut state = pool.state.lock();
            state.entries.retain(|entry| !Arc::ptr_eq(&entry.worker, &worker));
            pool.serve(&mut state, Duration::ZERO);
        });
    }
}
