//! The port on the state, and faults.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tidemill_core::{
    Timestamp,
    function::{FunctionRecord, FunctionState, RevisionRecord},
    id::{InvocationId, RevisionNumber},
    invocation::{Invocation, Reply},
    name::{FunctionRef, ProjectName},
    ports::{
        CancelResult, Claim, Claimed, Clock, Fire, HistoryRecord, InvocationDetail, InvocationFilter, LeaseRef,
        LogFilter, LoggedLine, NewInvocation, Page, QueueStats, RedriveFilter, Retention, ScheduleRecord, Settled,
        Settlement, StateRecord, Store, StoreError, Submitted, Usage,
    },
};

use super::state::State;

/// How an intent fails.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing has happened.
    Before(StoreError),
    /// It took place, but its answer was lost.
    After(StoreError),
}

/// Decides for each call, by the name of its intent as in `"submit"`, whether it fails.
type Faults = Box<dyn FnMut(&'static str) -> Option<Fault> + Send>;

/// The store in memory.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    faults: Mutex<Option<Faults>>,
}

impl MemoryStore {
    /// An empty store. The clock tells when results were settled.
    pub fn new(clock: Arc<dyn Clock>) -> MemoryStore {
        MemoryStore { clock, state: Mutex::new(State::default()), faults: Mutex::new(None) }
    }

    /// Asks `faults` from now on, with the name of each intent (the method's, as in `"submit"`), whether it fails.
    pub fn set_faults(&self, faults: impl FnMut(&'static str) -> Option<Fault> + Send + 'static) {
        *self.faults.lock() = Some(Box::new(faults));
    }

    /// Nothing fails any more.
    pub fn clear_faults(&self) {
        *self.faults.lock() = None;
    }

    /// The next `count` calls fail without having done anything.
    pub fn fail_next(&self, count: u32) {
        let mut left = count;
        self.set_faults(move |_| {
            left = left.checked_sub(1)?;
            Some(Fault::Before(StoreError::Failed("a fault was injected".into())))
        });
    }

    pub(super) fn run<T>(
        &self,
        intent: &'static str,
        act: impl FnOnce(&mut State, Timestamp) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let fault = self.faults.lock().as_mut().and_then(|faults| faults(intent));
        let mut state = self.state.lock();
        match fault {
            Some(Fault::Before(error)) => Err(error),
            Some(Fault::After(error)) => act(&mut state, self.clock.now()).and(Err(error)),
            None => act(&mut state, self.clock.now()),
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn submit(&self, invocations: Vec<NewInvocation>) -> Result<Vec<Submitted>, StoreError> {
        self.run("submit", |state, now| state.submit(invocations, now))
    }

    async fn claim(&self, intent: Claim) -> Result<Vec<Claimed>, StoreError> {
        self.run("claim", |state, _| Ok(state.claim(&intent)))
    }

    async fn renew(&self, leases: Vec<LeaseRef>, until: Timestamp) -> Result<Vec<LeaseRef>, StoreError> {
        self.run("renew", |state, _| Ok(state.renew(leases, until)))
    }

    async fn settle(&self, settlement: Settlement) -> Result<Settled, StoreError> {
        self.run("settle", |state, now| state.settle(settlement, now))
    }

    async fn expire(
        &self,
        at: Timestamp,
        only_owner: Option<String>,
        interruptions_max: u32,
    ) -> Result<Vec<FunctionRef>, StoreError> {
        self.run("expire", |state, _| Ok(state.expire(at, only_owner.as_deref(), interruptions_max)))
    }

    async fn due(&self, at: Timestamp) -> Result<(Vec<FunctionRef>, Option<Timestamp>), StoreError> {
        self.run("due", |state, _| Ok(state.due(at)))
    }

    async fn cancel(&self, id: InvocationId, at: Timestamp) -> Result<CancelResult, StoreError> {
        self.run("cancel", |state, _| state.cancel(id, at))
    }

    async fn retry(&self, id: InvocationId, at: Timestamp) -> Result<FunctionRef, StoreError> {
        self.run("retry", |state, _| state.retry(id, at))
    }

    async fn redrive(&self, filter: RedriveFilter, at: Timestamp) -> Result<u64, StoreError> {
        self.run("redrive", |state, _| state.redrive(&filter, at))
    }

    async fn purge(&self, filter: RedriveFilter, queued: bool) -> Result<u64, StoreError> {
        self.run("purge", |state, _| state.purge(&filter, queued))
    }

    async fn record(&self, records: Vec<HistoryRecord>) -> Result<(), StoreError> {
        self.run("record", |state, _| state.record(records))
    }

    async fn invocation(&self, id: InvocationId) -> Result<InvocationDetail, StoreError> {
        self.run("invocation", |state, _| state.invocation(id))
    }

    async fn event_body(&self, id: InvocationId) -> Result<Bytes, StoreError> {
        self.run("event_body", |state, _| state.event_body(id))
    }

    async fn reply(&self, id: InvocationId) -> Result<Option<Reply>, StoreError> {
        self.run("reply", |state, _| state.reply(id))
    }

    async fn invocations(&self, filter: InvocationFilter) -> Result<Page<Invocation>, StoreError> {
        self.run("invocations", |state, _| Ok(state.invocations(&filter)))
    }

    async fn logs(&self, filter: LogFilter) -> Result<Vec<LoggedLine>, StoreError> {
        self.run("logs", |state, _| Ok(state.logs(&filter)))
    }

    async fn queues(
        &self,
        project: &ProjectName,
        function: Option<&FunctionRef>,
    ) -> Result<Vec<QueueStats>, StoreError> {
        self.run("queues", |state, _| state.queues(project, function))
    }

    async fn put_revision(
        &self,
        revision: RevisionRecord,
        desired: FunctionState,
    ) -> Result<FunctionRecord, StoreError> {
        self.run("put_revision", |state, _| state.put_revision(revision, desired))
    }

    async fn activate(
        &self,
        function: &FunctionRef,
        revision: RevisionNumber,
        at: Timestamp,
    ) -> Result<FunctionRecord, StoreError> {
        self.run("activate", |state, _| state.activate(function, revision, at))
    }

    async fn set_desired(
        &self,
        function: &FunctionRef,
        desired: FunctionState,
        at: Timestamp,
    ) -> Result<FunctionRecord, StoreError> {
        self.run("set_desired", |state, _| state.set_desired(function, desired, at))
    }

    async fn functions(&self) -> Result<Vec<FunctionRecord>, StoreError> {
        self.run("functions", |state, _| Ok(state.functions.values().map(|entry| entry.record.clone()).collect()))
    }

    async fn revisions(&self, function: &FunctionRef) -> Result<Vec<RevisionRecord>, StoreError> {
        self.run("revisions", |state, _| state.revisions(function))
    }

    async fn delete_function(&self, function: &FunctionRef) -> Result<(), StoreError> {
        self.run("delete_function", |state, _| state.delete_function(function))
    }

    async fn put_schedules(&self, function: &FunctionRef, schedules: Vec<ScheduleRecord>) -> Result<(), StoreError> {
        self.run("put_schedules", |state, _| state.put_schedules(function, schedules))
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRecord>, StoreError> {
        self.run("schedules", |state, _| Ok(state.schedules()))
    }

    async fn fire(&self, fire: Fire) -> Result<Option<Vec<Submitted>>, StoreError> {
        self.run("fire", |state, now| state.fire(fire, now))
    }

    async fn prune(&self, retention: Retention) -> Result<u64, StoreError> {
        self.run("prune", |state, _| Ok(state.prune(&retention)))
    }

    async fn state(&self, function: &FunctionRef, key: &str) -> Result<Option<StateRecord>, StoreError> {
        self.run("state", |state, _| state.state(function, key))
    }

    async fn put_state(
        &self,
        function: &FunctionRef,
        key: &str,
        value: Option<Bytes>,
        expected: Option<u64>,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        self.run("put_state", |state, _| state.put_state(function, key, value, expected, at))
    }

    async fn states(
        &self,
        function: &FunctionRef,
        after: Option<String>,
        limit: u32,
    ) -> Result<Page<StateRecord>, StoreError> {
        self.run("states", |state, _| state.states(function, after.as_deref(), limit))
    }

    async fn take_result(&self, id: InvocationId) -> Result<Option<Bytes>, StoreError> {
        self.run("take_result", |state, _| state.take_result(id))
    }

    async fn usage(&self, function: &FunctionRef) -> Result<Usage, StoreError> {
        self.run("usage", |state, _| state.usage(function))
    }

    async fn forget_logs(&self, function: &FunctionRef, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.run("forget_logs", |state, _| state.forget_logs(function, before, limit))
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.run("check", |_, _| Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{ManualClock, make};

    #[tokio::test]
    async fn faults_strike_before_or_after() {
        let store = MemoryStore::new(ManualClock::new());
        store.put_revision(make::revision("f", 1, make::START), FunctionState::Active).await.unwrap();
        store.fail_next(1);
        assert!(matches!(store.submit(vec![make::new("f", 1)]).await, Err(StoreError::Failed(_))));
        assert!(matches!(store.invocation(make::id(1)).await, Err(StoreError::NotFound)));

        store.set_faults(|intent| (intent == "submit").then_some(Fault::After(StoreError::Full)));
        assert!(matches!(store.submit(vec![make::new("f", 2)]).await, Err(StoreError::Full)));
        assert!(store.invocation(make::id(2)).await.is_ok());

        store.clear_faults();
        assert_eq!(store.submit(vec![make::new("f", 2)]).await.unwrap(), [Submitted::Duplicate(make::id(2))]);
    }
}
