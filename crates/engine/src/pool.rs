//! The workers of one revision on this node, and who gets their slots.
//!
//! Calls take a free slot of the worker used last (its caches are warm, the others may fall idle) or wait in line. While
//! they wait the pool grows up to its maximum. It shrinks again when workers have been idle for the revision's
//! `idleTimeout`, down to its minimum.
//!
//! A pool that is fully grown and busy may hand calls to busy workers ahead, as far as [`Pace`] finds that good.
//!
//! Phases: open → draining (a newer revision serves; whoever is here already is still served) → closed.
//! When a start fails and no other worker is there, callers that wait are told, and the next start waits a little longer
//! each time; until then callers are told at once. Queued work is patient: it stays in line for the next start, and a
//! failed one is told to the first in line only, for whom it was made.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tidemill_core::{
    Timestamp,
    ports::{Call, CallEnd, CallOutcome, Clock, LaunchError, Place, Worker, WorkerId},
    spec::Replicas,
};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    launcher::Launcher,
    pace::Pace,
    request::{Ensured, WorkerStatus, WorkerView, WorkersView},
};

/// At most so many calls wait for a slot of one pool.
const WAITING_MAX: usize = 10_000;
/// The wait before another start after the first failure; doubles with each.
const BACKOFF: Duration = Duration::from_millis(250);
/// The longest wait before another start.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Draining,
    Closed,
}

struct Entry {
    worker: Arc<dyn Worker>,
    started_at: Timestamp,
    last_call_at: Option<Timestamp>,
    /// Takes no more calls and is stopped after those it has.
    is_leaving: bool,
    /// Calls handed to it and not ended; more than its slots when it is run ahead.
    open: u32,
    idle_since: Instant,
}

impl Entry {
    fn is_free(&self) -> bool {
        !self.is_leaving && self.open < self.worker.slots().max(1)
    }
}

/// A worker on its way.
struct Starting {
    worker: WorkerId,
    started_at: Timestamp,
}

struct Waiter {
    number: u64,
    since: Instant,
    /// Waits for a worker to start, but not for a busy one.
    is_brief: bool,
    /// Queued work, which waits for as long as it takes.
    is_patient: bool,
    grant: oneshot::Sender<Result<Slot, AcquireError>>,
}

struct Trouble {
    error: Arc<LaunchError>,
    failures: u32,
    until: Instant,
}

struct State {
    /// The one used last is last.
    entries: Vec<Entry>,
    /// Being started, in the order in which the starts began.
    starting: Vec<Starting>,
    was_ready: bool,
    waiters: VecDeque<Waiter>,
    next_waiter: u64,
    phase: Phase,
    trouble: Option<Trouble>,
    /// Slots a worker has, known from the last one that started.
    slots: u32,
}

/// See the module.
pub(crate) struct Pool {
    launcher: Launcher,
    limits: Replicas,
    idle_timeout: Duration,
    clock: Arc<dyn Clock>,
    tasks: TaskTracker,
    state: Mutex<State>,
    pace: Pace,
    /// Told when the last slot is free and nobody waits.
    at_rest: Notify,
    closed: CancellationToken,
}

impl Pool {
    pub fn new(
        launcher: Launcher,
        limits: Replicas,
        idle_timeout: Duration,
        clock: Arc<dyn Clock>,
        tasks: TaskTracker,
    ) -> Arc<Pool> {
        let state = State {
            entries: Vec::new(),
            starting: Vec::new(),
            was_ready: false,
            waiters: VecDeque::new(),
            next_waiter: 0,
            phase: Phase::Open,
            trouble: None,
            slots: 1,
        };
        Arc::new(Pool {
            launcher,
            limits,
            idle_timeout,
            clock,
            tasks,
            state: Mutex::new(state),
            pace: Pace::default(),
            at_rest: Notify::new(),
            closed: CancellationToken::new(),
        })
    }

    /// Slots that it has when fully grown.
    pub fn capacity(&self) -> u32 {
        let state = self.state.lock();
        self.limits.max.max(state.staying()).saturating_mul(state.slots)
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
            (InLine { pool: self, number, is_kept: true }, granted, timeout.filter(|_| !is_brief))
        };
        let outcome = match timeout {
            None => granted.await.ok(),
            Some(timeout) => tokio::time::timeout(timeout, granted).await.ok().and_then(Result::ok),
        };
        place.is_kept = outcome.is_none();
        outcome.unwrap_or(Err(AcquireError::Busy))
    }

    /// Starts one worker and waits until it is ready.
    pub async fn start_one(self: &Arc<Self>) -> Result<(), Arc<LaunchError>> {
        let worker = self.begin_start(&mut self.state.lock());
        self.launch(worker).await
    }

    /// Starts what is missing to the minimum, and stops what has been idle for long. What is not active has no minimum.
    pub fn tend(self: &Arc<Self>, is_active: bool) {
        let min = if is_active { self.limits.min } else { 0 };
        let mut idle = Vec::new();
        {
            let mut state = self.state.lock();
            if state.phase != Phase::Open {
                return;
            }
            let now = Instant::now();
            let timeout = self.idle_timeout;
            let surplus = (state.staying() as usize).saturating_sub(min as usize);
            while idle.len() < surplus {
                let old = |entry: &Entry| {
                    !entry.is_leaving && entry.open == 0 && now.duration_since(entry.idle_since) >= timeout
                };
                let Some(index) = state.entries.iter().position(old) else { break };
                idle.push(state.entries.remove(index).worker);
            }
            while !state.is_backing_off() && state.staying() + state.starting() < min {
                self.spawn_launch(&mut state);
            }
        }
        for worker in idle {
            self.tasks.spawn(async move { worker.stop(Duration::from_secs(5)).await });
        }
    }

    /// Serves whoever is here, for `grace` at most, and then stops the workers. Queued work that has no slot yet is sent
    /// to the newer revision.
    pub async fn drain(&self, grace: Duration) {
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
        let _ = tokio::time::timeout(grace, rest).await;
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

    pub fn view(&self) -> WorkersView {
        let state = self.state.lock();
        WorkersView {
            ready: state.entries.len() as u32,
            starting: state.starting(),
            busy_slots: state.entries.iter().map(|entry| entry.open.min(entry.worker.slots())).sum(),
            waiting: state.waiters.len() as u32,
            min: self.limits.min,
            max: self.limits.max,
        }
    }

    /// Why workers do not start, when they do not.
    pub fn problem(&self) -> Option<String> {
        self.state.lock().trouble.as_ref().map(|trouble| trouble.error.reason.clone())
    }

    /// Whether a worker has become ready at some time.
    pub fn was_ready(&self) -> bool {
        self.state.lock().was_ready
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
            status: WorkerStatus::Starting,
            revision: self.launcher.revision(),
            started_at: starting.started_at,
            last_call_at: None,
            place: Place::default(),
        });
        let mut workers: Vec<_> = there.chain(coming).collect();
        workers.sort_by_key(|worker| worker.started_at);
        workers
    }

    /// Starts what is missing to `count` workers, whatever the maximum.
    pub fn ensure(self: &Arc<Self>, count: u32) -> Ensured {
        let mut state = self.state.lock();
        let before = state.staying() + state.starting();
        let started = if state.phase == Phase::Open { count.saturating_sub(before) } else { 0 };
        (0..started).for_each(|_| self.spawn_launch(&mut state));
        Ensured { before, started }
    }

    /// Lets a worker finish its calls and stops it. Whether there is such a worker.
    pub fn send_away(self: &Arc<Self>, worker: &str) -> bool {
        let mut state = self.state.lock();
        let Some(entry) = state.entries.iter_mut().find(|entry| &*entry.worker.id().0 == worker) else { return false };
        entry.is_leaving = true;
        self.send_off(&mut state);
        // Those who wait may need another in its place.
        self.grow(&mut state);
        true
    }

    /// Stops the workers that were to leave and have no call any more.
    fn send_off(self: &Arc<Self>, state: &mut State) {
        while let Some(index) = state.entries.iter().position(|entry| entry.is_leaving && entry.open == 0) {
            let worker = state.entries.remove(index).worker;
            self.tasks.spawn(async move { worker.stop(Duration::from_secs(5)).await });
        }
    }

    /// Whether the last start failed.
    pub fn has_trouble(&self) -> bool {
        self.state.lock().trouble.is_some()
    }

    /// When the next start may be made, while nobody is there and nobody comes.
    pub fn hopeless_until(&self) -> Option<Instant> {
        self.state.lock().hopeless().map(|trouble| trouble.until)
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
            return Some(Slot { pool: self.clone(), worker: Some(entry.worker.clone()), cold_start });
        }
    }

    /// The worker to run ahead. None while the pool can still grow: those who wait are what makes it.
    fn least_busy(&self, state: &State) -> Option<usize> {
        if state.starting() > 0 || state.staying() < self.limits.max {
            return None;
        }
        let (index, entry) = state
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !entry.is_leaving)
            .min_by_key(|(_, entry)| entry.open)?;
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

    /// Starts workers for those who wait, as far as the maximum goes.
    fn grow(self: &Arc<Self>, state: &mut State) {
        if state.phase == Phase::Closed || state.is_backing_off() {
            // `try_again` is on its way.
            return;
        }
        let slots = state.slots.max(1) as usize;
        while state.waiters.len() > state.starting.len() * slots && state.staying() + state.starting() < self.limits.max
        {
            self.spawn_launch(state);
        }
    }

    fn begin_start(&self, state: &mut State) -> WorkerId {
        let worker = self.launcher.name();
        state.starting.push(Starting { worker: worker.clone(), started_at: self.clock.now() });
        worker
    }

    fn spawn_launch(self: &Arc<Self>, state: &mut State) {
        let worker = self.begin_start(state);
        let pool = self.clone();
        // A failure is remembered in the state and told to those who wait.
        self.tasks.spawn(async move { drop(pool.launch(worker).await) });
    }

    /// Starts one worker that `starting` counts already.
    async fn launch(self: &Arc<Self>, worker: WorkerId) -> Result<(), Arc<LaunchError>> {
        let began = Instant::now();
        let launched = self.launcher.launch(worker.clone()).await;
        let took = began.elapsed();
        let (result, surplus) = {
            let mut state = self.state.lock();
            let started_at = state.end_start(&worker).unwrap_or_else(|| self.clock.now());
            match launched {
                Ok(worker) if state.phase == Phase::Closed => (Ok(()), Some(worker)),
                Ok(worker) => {
                    state.slots = worker.slots().max(1);
                    state.trouble = None;
                    state.was_ready = true;
                    let entry = Entry {
                        worker: worker.clone(),
                        started_at,
                        last_call_at: None,
                        is_leaving: false,
                        open: 0,
                        idle_since: Instant::now(),
                    };
                    state.entries.push(entry);
                    self.serve(&mut state, took);
                    self.watch(worker);
                    (Ok(()), None)
                }
                Err(error) => {
                    tracing::warn!(function = %self.launcher.function(), reason = %error, "a worker did not start");
                    let error = Arc::new(error);
                    let until = state.fail(&error);
                    self.try_again(until);
                    if state.is_at_rest() {
                        self.at_rest.notify_waiters();
                    }
                    (Err(error), None)
                }
            }
        };
        self.state.lock().refuse_brief();
        if let Some(worker) = surplus {
            worker.stop(Duration::ZERO).await;
        }
        result
    }

    /// Makes the next start for those who wait then.
    fn try_again(self: &Arc<Self>, at: Instant) {
        let (pool, closed) = (Arc::downgrade(self), self.closed.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = closed.cancelled() => return,
                () = tokio::time::sleep_until(at) => {}
            }
            if let Some(pool) = pool.upgrade() {
                pool.grow(&mut pool.state.lock());
            }
        });
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

    fn release(self: &Arc<Self>, worker: &Arc<dyn Worker>) {
        let mut state = self.state.lock();
        state.put_back(worker);
        self.send_off(&mut state);
        self.serve(&mut state, Duration::ZERO);
    }
}

impl State {
    /// Workers that take calls.
    fn staying(&self) -> u32 {
        self.entries.iter().filter(|entry| !entry.is_leaving).count() as u32
    }

    /// Workers being started.
    fn starting(&self) -> u32 {
        self.starting.len() as u32
    }

    /// A start has ended. Returns when it began.
    fn end_start(&mut self, worker: &WorkerId) -> Option<Timestamp> {
        let index = self.starting.iter().position(|starting| starting.worker == *worker)?;
        Some(self.starting.remove(index).started_at)
    }

    fn enter(&mut self, phase: Phase) {
        if self.phase != Phase::Closed {
            self.phase = phase;
        }
    }

    fn begin_draining(&mut self) {
        self.enter(Phase::Draining);
        let (patient, others): (VecDeque<Waiter>, _) = self.waiters.drain(..).partition(|waiter| waiter.is_patient);
        self.waiters = others;
        for waiter in patient {
            let _ = waiter.grant.send(Err(AcquireError::Closed));
        }
    }

    fn is_at_rest(&self) -> bool {
        self.waiters.is_empty() && self.starting.is_empty() && self.entries.iter().all(|entry| entry.open == 0)
    }

    /// Tells those who waited for a start only that all starts are over.
    fn refuse_brief(&mut self) {
        if !self.starting.is_empty() {
            return;
        }
        let (brief, others): (VecDeque<Waiter>, _) = self.waiters.drain(..).partition(|waiter| waiter.is_brief);
        self.waiters = others;
        for waiter in brief {
            let _ = waiter.grant.send(Err(AcquireError::Busy));
        }
    }

    fn put_back(&mut self, worker: &Arc<dyn Worker>) {
        let Some(index) = self.entries.iter().position(|entry| Arc::ptr_eq(&entry.worker, worker)) else { return };
        if worker.is_alive() {
            self.entries[index].open -= 1;
            self.entries[index].idle_since = Instant::now();
        } else {
            self.entries.remove(index);
        }
    }

    /// Whether the next start has to wait.
    fn is_backing_off(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.until > Instant::now())
    }

    /// Why waiting is in vain: nobody is there, nobody comes, and the next start has to wait.
    fn hopeless(&self) -> Option<&Trouble> {
        let is_empty = self.entries.is_empty() && self.starting.is_empty();
        self.trouble.as_ref().filter(|_| is_empty && self.is_backing_off())
    }

    /// A start has failed. Returns when the next may be made.
    fn fail(&mut self, error: &Arc<LaunchError>) -> Instant {
        let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures) + 1;
        let backoff = BACKOFF.saturating_mul(1 << (failures - 1).min(10)).min(BACKOFF_MAX);
        let until = Instant::now() + backoff;
        self.trouble = Some(Trouble { error: error.clone(), failures, until });
        if self.entries.is_empty() && self.starting.is_empty() {
            for (index, waiter) in std::mem::take(&mut self.waiters).into_iter().enumerate() {
                if waiter.is_patient && index > 0 {
                    self.waiters.push_back(waiter);
                } else {
                    let _ = waiter.grant.send(Err(AcquireError::Launch(error.clone())));
                }
            }
        }
        until
    }
}

/// A place in line, left when dropped.
struct InLine<'a> {
    pool: &'a Pool,
    number: u64,
    is_kept: bool,
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if self.is_kept {
            self.pool.state.lock().waiters.retain(|waiter| waiter.number != self.number);
        }
    }
}

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

    fn defuse(mut self) -> Arc<dyn Worker> {
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
