//! A function as the engine holds it: what outlives its revisions, and the revision that serves now.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tidemill_core::{
    FunctionRef, FunctionState, RevisionNumber, Timestamp,
    spec::FunctionSpec,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{metrics::FunctionMetrics, pool::Pool};

/// Claims run ahead of free slots by about this much work, so that a slot need not wait for the next claim.
const AHEAD: Duration = Duration::from_millis(100);
/// Claims run ahead by at most so many calls a slot.
const AHEAD_MAX: u32 = 32;

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
    in_flight: AtomicU32,
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
            more: AtomicBool::new(false),
        }
    }

    /// Wakes the pump.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Waits for a nudge.
    pub async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// Invocations waiting, as far as this node knows.
    pub fn queued(&self) -> u64 {
        self.queued.load(Ordering::Relaxed)
    }

    pub fn add_queued(&self, count: u64) {
        self.queued.fetch_add(count, Ordering::Relaxed);
    }

    pub fn sub_queued(&self, count: u64) {
        // Never below zero: the count is a node's own view and may start late.
        let _ = self.queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| Some(queued.saturating_sub(count)));
    }

    pub fn set_queued(&self, count: u64) {
        self.queued.store(count, Ordering::Relaxed);
    }

    /// Remembers whether there may be more to claim.
    pub fn set_more(&self, more: bool) {
        self.more.store(more, Ordering::Relaxed);
    }

    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How many invocations may be held under leases at once.
    pub fn in_flight_max(&self, current: &Current) -> u32 {
        let ahead = u64::try_from(AHEAD.as_micros()).unwrap_or(u64::MAX) / current.pool.pace().mean_us();
        let ahead = u32::try_from(ahead).unwrap_or(AHEAD_MAX).clamp(2, AHEAD_MAX);
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
        (0..count).map(|_| Permit { function: self.clone(), was_used: true }).collect()
    }
}

/// The right to hold one invocation under a lease.
pub(crate) struct Permit {
    function: Arc<Function>,
    was_used: bool,
}

impl Permit {
    /// Gives back a permit for which there was nothing to claim. Unlike the end of an attempt that is no reason to look
    /// for more.
    pub fn give_back(mut self) {
        self.was_used = false;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
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
