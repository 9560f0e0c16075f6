//! What all tasks of an engine share.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tidemill_core::{
    FunctionRef, InvocationId, Timestamp,
    ports::{LeaseRef, Worker},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    alarm::Alarm,
    config::{EngineConfig, Ports},
    directory::Directory,
    history::HistorySender,
    large::LargeBodies,
    launcher::WorkerNames,
    routes::Routes,
    turns::Turns,
    waiters::{Calls, Waiters},
};

/// An attempt that this node holds under a lease.
pub(crate) struct RunningAttempt {
    pub lease: LeaseRef,
    pub cancelled: CancellationToken,
    /// Whether it is this one that somebody wants ended, and not only the call that it shares with others of its batch.
    pub is_unwanted: bool,
    /// Once it has a worker, which knows its call by the id given here.
    pub worker: Option<(Arc<dyn Worker>, InvocationId)>,
}

pub(crate) struct Shared {
    pub config: EngineConfig,
    pub ports: Ports,
    pub directory: Directory,
    pub worker_names: Arc<WorkerNames>,
    pub routes: Arc<ArcSwap<Routes>>,
    /// One deployment of a function at a time; also guards changes of `routes`.
    pub deploys: DeployLocks,
    pub running: Mutex<BTreeMap<InvocationId, RunningAttempt>>,
    pub waiters: Waiters,
    pub calls: Calls,
    pub large_bodies: LargeBodies,
    /// Wakes the timer when something becomes available later.
    pub due_alarm: Alarm,
    /// Wakes the cron loop when schedules have changed.
    pub cron_alarm: Alarm,
    pub history: HistorySender,
    /// Loops and attempts; they end after `stop`.
    pub tasks: TaskTracker,
    /// Workers being started and watched; they end after the pools are closed.
    pub workers: TaskTracker,
    /// Accept and claim nothing more.
    pub stop: CancellationToken,
    /// The grace is over: end the workers of former revisions too.
    pub grace_over: CancellationToken,
    /// Give up what could not be given back.
    pub abort: CancellationToken,
}

impl Shared {
    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    pub fn new_id(&self) -> InvocationId {
        InvocationId::new(self.now(), self.ports.rng.bits())
    }

    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The attempt under `lease` has ended. A newer attempt of the same invocation may be running here by now: when the
    /// answer to a settlement was lost, the queue goes on before the one who settled knows.
    pub fn forget(&self, lease: LeaseRef) {
        let mut running = self.running.lock();
        if running.get(&lease.id).is_some_and(|attempt| attempt.lease == lease) {
            running.remove(&lease.id);
        }
    }

    /// Whether somebody wants the attempt under `lease` ended.
    pub fn is_unwanted(&self, lease: LeaseRef) -> bool {
        self.running.lock().get(&lease.id).is_some_and(|attempt| attempt.lease == lease && attempt.is_unwanted)
    }

    /// Wakes the pumps of functions that may have work.
    pub fn nudge<'a>(&self, functions: impl IntoIterator<Item = &'a FunctionRef>) {
        let routes = self.routes.load();
        for reference in functions {
            if let Some(function) = routes.function(reference) {
                function.nudge();
            }
        }
    }
}

/// Who may change which function.
#[derive(Default)]
pub(crate) struct DeployLocks {
    turns: Turns<FunctionRef>,
    /// Held from the last look at the addresses of others until a revision serves.
    pub switching: tokio::sync::Mutex<()>,
    /// Held while `routes` is replaced.
    pub routes: Mutex<()>,
}

impl DeployLocks {
    pub async fn lock(&self, function: &FunctionRef) -> tokio::sync::OwnedMutexGuard<()> {
        self.turns.enter(function.clone()).await
    }
}
