//! A store behind a gate: whoever keeps the gate sees each call before it happens and after it happened, and may hold it
//! up or make it fail.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tidemill_core::{
    FunctionRecord, FunctionRef, FunctionState, InvocationId, ProjectName, RevisionNumber, RevisionRecord, Timestamp,
    invocation::{Invocation, Reply},
    ports::{
        CancelResult, Claim, Claimed, Fire, HistoryRecord, InvocationDetail, InvocationFilter, LeaseRef, LogFilter,
        LoggedLine, NewInvocation, Page, QueueStats, RedriveFilter, Retention, ScheduleRecord, Settled, Settlement,
        StateRecord, Store, StoreError, Submitted, Usage,
    },
};

/// What a call of the store costs at the gate. `intent` is the name of the store's method.
#[async_trait]
pub trait Toll: Send + Sync {
    /// An error: the call does not happen.
    async fn before(&self, intent: &'static str) -> Result<(), StoreError>;

    /// An error: it has happened, but its answer is lost.
    async fn after(&self, intent: &'static str) -> Result<(), StoreError>;
}

pub struct Gate {
    pub inner: Arc<dyn Store>,
    pub toll: Arc<dyn Toll>,
}

macro_rules! gated {
    ($($name:ident($($arg:ident: $type:ty),*) -> $output:ty;)*) => {
        #[async_trait]
        impl Store for Gate {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$output, StoreError> {
                self.toll.before(stringify!($name)).await?;
                let answer = self.inner.$name($($arg),*).await;
                self.toll.after(stringify!($name)).await?;
                answer
            })*
        }
    };
}

gated! {
    submit(invocations: Vec<NewInvocation>) -> Vec<Submitted>;
    claim(claim: Claim) -> Vec<Claimed>;
    renew(leases: Vec<LeaseRef>, until: Timestamp) -> Vec<LeaseRef>;
    settle(settlement: Settlement) -> Settled;
    expire(now: Timestamp, only_owner: Option<String>, interruptions_max: u32) -> Vec<FunctionRef>;
    due(now: Timestamp) -> (Vec<FunctionRef>, Option<Timestamp>);
    cancel(id: InvocationId, now: Timestamp) -> CancelResult;
    retry(id: InvocationId, now: Timestamp) -> FunctionRef;
    redrive(filter: RedriveFilter, now: Timestamp) -> u64;
    purge(filter: RedriveFilter, queued: bool) -> u64;
    record(records: Vec<HistoryRecord>) -> ();
    invocation(id: InvocationId) -> InvocationDetail;
    event_body(id: InvocationId) -> Bytes;
    reply(id: InvocationId) -> Option<Reply>;
    invocations(filter: InvocationFilter) -> Page<Invocation>;
    logs(filter: LogFilter) -> Vec<LoggedLine>;
    queues(project: &ProjectName, function: Option<&FunctionRef>) -> Vec<QueueStats>;
    put_revision(revision: RevisionRecord, desired: FunctionState) -> FunctionRecord;
    activate(function: &FunctionRef, revision: RevisionNumber, now: Timestamp) -> FunctionRecord;
    set_desired(function: &FunctionRef, desired: FunctionState, now: Timestamp) -> FunctionRecord;
    functions() -> Vec<FunctionRecord>;
    revisions(function: &FunctionRef) -> Vec<RevisionRecord>;
    delete_function(function: &FunctionRef) -> ();
    put_schedules(function: &FunctionRef, schedules: Vec<ScheduleRecord>) -> ();
    schedules() -> Vec<ScheduleRecord>;
    fire(fire: Fire) -> Option<Vec<Submitted>>;
    prune(retention: Retention) -> u64;
    state(function: &FunctionRef, key: &str) -> Option<StateRecord>;
    put_state(function: &FunctionRef, key: &str, value: Option<Bytes>, expected: Option<u64>, now: Timestamp) -> u64;
    states(function: &FunctionRef, after: Option<String>, limit: u32) -> Page<StateRecord>;
    take_result(id: InvocationId) -> Option<Bytes>;
    usage(function: &FunctionRef) -> Usage;
    forget_logs(function: &FunctionRef, before: Timestamp, limit: u32) -> u64;
    check() -> ();
}
