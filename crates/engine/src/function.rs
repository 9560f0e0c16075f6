//! A function as the engine holds it: what outlives its revisions, and the revision that serves now.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tidemill_core::{FunctionRef, FunctionState, RevisionNumber, Timestamp, spec::FunctionSpec, time::micros};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{metrics::FunctionMetrics, pool::Pool, turns::Turns};

/// Claims run ahead of free slots by about this much work, so that a slot need not wait for the next claim.
const AHEAD: Duration = Duration::from_millis(100);
/// Claims run ahead to at most so many calls a slot.
const AHEAD_MAX: u32 = 32;
/// Claims run ahead to so many calls a slot even where calls are slow, or not known to be fast.
const AHEAD_MIN: u32 = 2;

/// The revision that serves now.
pub(crate) struct Current {
    pub revision: RevisionNumber,
    pub spec: Arc<FunctionSpec>,
    pub pool: Arc<Pool>,
    pub desired: FunctionState,
    pub updated_at: Timestamp,
}

/// A function.
pub(crate) struct Function {
    pub reference: FunctionRef,
    pub created_at: Timestamp,
    pub current: ArcSwap<Current>,
    pub stop: CancellationToken,
    pub metrics: FunctionMetrics,
    nudge: Notify,
    queued: AtomicU64,
    /// Held under leases.
    in_flight: AtomicU32,
    /// Those of them that wait for a slot.
    waiting: AtomicU32,
    /// Those of them that have one.
    running: AtomicU32,
    /// The desired state may have changed.
    desired_changed: Notify,
    /// Pools of former revisions, which may still have workers.
    former: Mutex<Vec<Weak<Pool>>>,
    /// Turns, for a function with state.
    pub lines: Turns<String>,
    /// The last claim left some behind, as far as could be seen. Unlike `queued` it knows of invocations that the store put
    /// back by itself.
    more: AtomicBool,
}

impl Function {
    pub fn new(reference: FunctionRef, created_at: Timestamp, current: Current, queued: u64) -> Function {
        Function {
            metrics: FunctionMetrics::new(&reference),
            reference,
            created_at,
            current: ArcSwap::from_pointee(current),
            stop: CancellationToken::new(),
            nudge: Notify::new(),
            queued: AtomicU64::new(queued),
            in_flight: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            running: AtomicU32::new(0),
            desired_changed: Notify::new(),
            former: Mutex::default(),
            lines: Turns::default(),
            more: AtomicBool::new(false),
        }
    }

    /// Its pools: those of former revisions that are still there, oldest first, and the one that serves.
    pub fn pools(&self) -> Vec<Arc<Pool>> {
        let mut former = self.former.lock();
        former.retain(|pool| pool.strong_count() > 0);
        former.iter().filter_map(Weak::upgrade).chain([self.current.load().pool.clone()]).collect()
    }

    /// Remembers the pool of a revision that no longer serves.
    pub fn retired(&self, pool: &Arc<Pool>) {
        self.former.lock().push(Arc::downgrade(pool));
    }

    /// Wakes the pump.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Waits for a nudge.
    pub async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// Invocations waiting to be claimed, as far as this node knows.
    pub fn queued(&self) -> u64 {
        self.queued.load(Ordering::Relaxed)
    }

    /// Invocations waiting to be claimed or, held already, for a slot.
    pub fn pending(&self) -> u64 {
        self.queued() + u64::from(self.waiting.load(Ordering::Relaxed))
    }

    /// Invocations whose attempts have begun.
    pub fn running(&self) -> u32 {
        self.running.load(Ordering::Relaxed)
    }

    /// Whether it is to run nothing.
    pub fn is_paused(&self) -> bool {
        self.current.load().desired == FunctionState::Paused
    }

    /// Tells those who wait for [`Function::paused`] to look again, and wakes the pump.
    pub fn desired_changed(&self) {
        self.desired_changed.notify_waiters();
        self.nudge();
    }

    /// Comes back while it is paused.
    pub async fn paused(&self) {
        loop {
            let changed = self.desired_changed.notified();
            if self.is_paused() {
                return;
            }
            changed.await;
        }
    }

    pub fn add_queued(&self, count: u64) {
        self.queued.fetch_add(count, Ordering::Relaxed);
    }

    pub fn sub_queued(&self, count: u64) {
        // Never below zero: the count is a node's own view and may start late.
        let _ =
            self.queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| Some(queued.saturating_sub(count)));
    }

    pub fn set_queued(&self, count: u64) {
        self.queued.store(count, Ordering::Relaxed);
    }

    /// Remembers whether there may be more to claim.
    pub fn set_more(&self, more: bool) {
        self.more.store(more, Ordering::Relaxed);
    }

    /// How many invocations may be held under leases at once.
    pub fn in_flight_max(&self, current: &Current) -> u32 {
        let ahead = match current.pool.pace().mean_us() {
            // What no worker may ever run is better left in the queue.
            _ if current.pool.has_trouble() => 1,
            None => AHEAD_MIN,
            Some(mean) => {
                let ahead = micros(AHEAD) / mean;
                u32::try_from(ahead).unwrap_or(AHEAD_MAX).clamp(AHEAD_MIN, AHEAD_MAX)
            }
        };
        let events = current.spec.batch().map_or(1, |batch| batch.size.max(1));
        current.pool.capacity().saturating_mul(ahead).saturating_mul(events)
    }

    /// Takes up to `wanted` permits to hold invocations under leases.
    pub fn enter(self: &Arc<Self>, wanted: u32, current: &Current) -> Vec<Permit> {
        let max = self.in_flight_max(current);
        let taken = self.in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
            let room = max.saturating_sub(held).min(wanted);
            (room > 0).then_some(held + room)
        });
        let count = taken.map_or(0, |held| max.saturating_sub(held).min(wanted));
        (0..count).map(|_| Permit { function: self.clone(), was_used: true, stage: Stage::Taken }).collect()
    }
}

/// How far an invocation has come under its permit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Taken,
    Waits,
    Runs,
}

/// The right to hold one invocation under a lease.
pub(crate) struct Permit {
    function: Arc<Function>,
    was_used: bool,
    stage: Stage,
}

impl Permit {
    /// Its invocation waits for a slot.
    pub fn wait(&mut self) {
        self.enter(Stage::Waits);
    }

    /// Its invocation has a slot.
    pub fn begin(&mut self) {
        self.enter(Stage::Runs);
    }

    fn enter(&mut self, stage: Stage) {
        let counter = |stage| match stage {
            Stage::Taken => None,
            Stage::Waits => Some(&self.function.waiting),
            Stage::Runs => Some(&self.function.running),
        };
        if let Some(left) = counter(self.stage) {
            left.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(entered) = counter(stage) {
            entered.fetch_add(1, Ordering::Relaxed);
        }
        self.stage = stage;
    }

    /// Gives back a permit for which there was nothing to claim. Unlike the end of an attempt that is no reason to look
    /// for more.
    pub fn give_back(mut self) {
        self.was_used = false;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.enter(Stage::Taken);
        self.function.in_flight.fetch_sub(1, Ordering::AcqRel);
        if self.was_used && (self.function.queued() > 0 || self.function.more.load(Ordering::Relaxed)) {
            self.function.nudge();
        }
    }
}

/// A function as resolved from a name or a request. Stays valid through redeployments; calls to a deleted function fail.
#[derive(Clone)]
pub struct Target(pub(crate) Arc<Function>);

impl Target {
    /// Its project and name.
    pub fn function(&self) -> &FunctionRef {
        &self.0.reference
    }

    /// The settings of the revision that serves now.
    pub fn spec(&self) -> Arc<FunctionSpec> {
        self.0.current.load().spec.clone()
    }
}
