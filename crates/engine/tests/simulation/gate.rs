//! A store behind a gate: its calls may fail before they happen, lose their answer after they happened, or never return
//! because the node that made them is dead.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use tidemill_core::{
    FunctionRecord, FunctionRef, FunctionState, InvocationId, ProjectName, RevisionNumber, RevisionRecord, Timestamp,
    invocation::{Invocation, Reply},
    ports::{
        CancelResult, Claim, Claimed, Fire, HistoryRecord, InvocationDetail, InvocationFilter, LeaseRef, LogFilter,
        LoggedLine, NewInvocation, Page, QueueStats, RedriveFilter, Retention, ScheduleRecord, Settled, Settlement,
        Store, StoreError, Submitted,
    },
};

use crate::world::World;

pub struct Gate {
    pub inner: Arc<dyn Store>,
    pub world: Arc<World>,
    /// The node behind this gate is dead.
    pub dead: Arc<AtomicBool>,
    /// Calls that were made to fail.
    pub faults: Arc<AtomicU32>,
    /// All calls.
    pub calls: Arc<AtomicU32>,
}

impl Gate {
    async fn before(&self, intent: &str) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.world.dice.millis(3)).await;
        self.alive().await;
        self.chance(intent, "before")
    }

    async fn after<T>(&self, intent: &str, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        tokio::time::sleep(self.world.dice.millis(3)).await;
        self.alive().await;
        self.chance(intent, "after")?;
        answer
    }

    async fn alive(&self) {
        if self.dead.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    fn chance(&self, intent: &str, when: &str) -> Result<(), StoreError> {
        let is_write = matches!(intent, "submit" | "claim" | "renew" | "settle" | "expire" | "fire" | "due");
        if is_write && self.world.has_faults.load(Ordering::Relaxed) && self.world.dice.percent(4) {
            self.faults.fetch_add(1, Ordering::Relaxed);
            self.world.log(format!("fault {when} {intent}"));
            return Err(if self.world.dice.percent(50) { StoreError::Full } else { StoreError::Failed("dice".into()) });
        }
        Ok(())
    }
}

macro_rules! gated {
    ($($name:ident($($arg:ident: $type:ty),*) -> $output:ty;)*) => {
        #[async_trait]
        impl Store for Gate {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$output, StoreError> {
                self.before(stringify!($name)).await?;
                let answer = self.inner.$name($($arg),*).await;
                self.after(stringify!($name), answer).await
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
    check() -> ();
}
