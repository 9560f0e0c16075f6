//! The store: atomic intents over durable state.
//!
//! Each method is one transaction: all of it happens or nothing. What has returned is on disk, but for [`Store::record`],
//! which may be lost with the machine. A method that refuses changes nothing. Nothing here decides policy: retry
//! times, limits and next runs come in as data. `contract` in the store crate is the suite that every store passes.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    event::Event,
    function::{FunctionRecord, FunctionState, RevisionRecord},
    id::{Generation, InvocationId, RevisionNumber},
    invocation::{Attempt, Invocation, LogLine, Reply, Status, Timings},
    name::{FunctionRef, ProjectName, TriggerName},
    time::Timestamp,
};

/// Why the store could not do something.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// What was named does not exist.
    #[error("not found")]
    NotFound,
    /// The lease is not the newest one: somebody else has the invocation, or it has ended.
    #[error("the lease is stale")]
    Stale,
    /// It cannot be done to something in this state.
    #[error("{0}")]
    Conflict(String),
    /// The disk is full. Nothing was changed; it works again when there is room.
    #[error("no space is left for the store")]
    Full,
    /// The database or the disk failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// A lease given at submission, to a worker that is already waiting (direct hand-over).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseGrant {
    /// Who holds it: the node's id for this life of it.
    pub owner: String,
    /// Until when.
    pub until: Timestamp,
}

/// An invocation to be stored.
#[derive(Clone, Debug)]
pub struct NewInvocation {
    /// Its id.
    pub id: InvocationId,
    /// The function.
    pub function: FunctionRef,
    /// The event with its body.
    pub event: Event,
    /// Runs one after the other with others of this key.
    pub key: Option<String>,
    /// At most one invocation of a function has this.
    pub idempotency_key: Option<String>,
    /// The invocation whose response this event is.
    pub parent: Option<InvocationId>,
    /// When the request arrived.
    pub received_at: Timestamp,
    /// Not before.
    pub available_at: Timestamp,
    /// `timings.received_us` when it is submitted.
    pub received_us: u64,
    /// Stored already leased, as generation 1 and attempt 1. Ignored (stored as queued) when `key` has an unfinished predecessor.
    pub lease: Option<LeaseGrant>,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is on disk.
    Accepted(Accepted),
    /// Its idempotency key was used before, by this invocation, or its id was (submitted again after a lost answer);
    /// nothing was stored.
    Duplicate(InvocationId),
}

/// An accepted submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub id: InvocationId,
    /// Whether the asked-for lease was granted.
    pub leased: bool,
}

/// Asks for work.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The function.
    pub function: FunctionRef,
    /// At most so many.
    pub limit: u32,
    /// The node.
    pub owner: String,
    /// Now: only invocations available by then are taken.
    pub now: Timestamp,
    /// The leases run until then.
    pub lease_until: Timestamp,
}

/// An invocation under a fresh lease.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The invocation; `attempts` counts the one that begins now. A body over [`crate::limits::INLINE_BODY_BYTES_MAX`] is left
    /// out, as `event_size` tells: it is read by [`Store::event_body`] when there is a worker for it.
    pub invocation: Invocation,
}

/// A lease by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseRef {
    /// The invocation.
    pub id: InvocationId,
    /// Its generation.
    pub generation: Generation,
}

/// The end of an attempt, with all that follows from it.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The lease under which it ran.
    pub lease: LeaseRef,
    /// What becomes of the invocation; never `Running`.
    pub status: Status,
    /// When the next attempt may begin, for `Queued`.
    pub available_at: Timestamp,
    /// Failed attempts so far.
    pub failures: u32,
    /// Interrupted attempts so far.
    pub interruptions: u32,
    /// The attempt.
    pub attempt: Attempt,
    /// The response, when there is one.
    pub reply: Option<Reply>,
    /// Its log.
    pub logs: Vec<LogLine>,
    /// Where the time went until `attempt.finished_at`; the store adds the time from then until it ends the invocation to
    /// `commit_us`, and what is not accounted for by then to `queued_us`.
    pub timings: Timings,
    /// Events that the response makes and messages that were sent: stored in the same transaction.
    pub emits: Vec<NewInvocation>,
    /// The new state (JSON) of the function's line that the invocation stands in ([`NewInvocation::key`], or the empty
    /// one); `None` leaves it as it is.
    pub state: Option<Bytes>,
    /// Results to be taken one by one, in order; they follow those that are there.
    pub results: Vec<Bytes>,
}

/// The durable state of an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRecord {
    /// Its key; empty for a function with one state.
    pub key: String,
    /// JSON.
    pub value: Bytes,
    /// Grows with each change, from 1. A state made anew where one was deleted has a higher one than that had.
    pub version: u64,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What the kept executions of a function used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Invocations kept.
    pub executions: u64,
    /// CPU time, in nanoseconds.
    pub cpu_ns: u64,
    /// Bytes received and read.
    pub io_bytes: u64,
    /// Run time, in microseconds.
    pub run_us: u64,
}

/// A settled invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The next invocation with the same key, now free to run, if there is one.
    pub unblocked: bool,
    /// Which of the emitted invocations got the lease they asked for, by position.
    pub emits: Vec<Submitted>,
}

/// A synchronous call that has ended, for the history. Its `invocation.status` is final.
#[derive(Clone, Debug)]
pub struct HistoryRecord {
    /// The invocation; `event.body` may be empty to save room.
    pub invocation: Invocation,
    /// Its only attempt.
    pub attempt: Attempt,
    /// Its response; the body may be left out.
    pub reply: Option<Reply>,
    /// Its log.
    pub logs: Vec<LogLine>,
}

/// Everything about one invocation but bodies and logs.
#[derive(Clone, Debug)]
pub struct InvocationDetail {
    /// The invocation; `event.body` is empty.
    pub invocation: Invocation,
    /// Its ended attempts in order.
    pub attempts: Vec<Attempt>,
}

/// Which invocations to list.
#[derive(Clone, Debug, Default)]
pub struct InvocationFilter {
    /// Of this project.
    pub project: ProjectName,
    /// Of this function.
    pub function: Option<FunctionRef>,
    /// In this status.
    pub status: Option<Status>,
    /// Received at or after.
    pub since: Option<Timestamp>,
    /// Received before.
    pub until: Option<Timestamp>,
    /// Older than this one: the last of the page before.
    pub before: Option<InvocationId>,
    /// At most so many.
    pub limit: u32,
}

/// One page of a list, newest first.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The page.
    pub items: Vec<T>,
    /// Whether older ones follow.
    pub more: bool,
}

/// Which log lines to read, oldest first.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Of this function.
    pub function: Option<FunctionRef>,
    /// Of this invocation.
    pub invocation: Option<InvocationId>,
    /// After this position (see [`LoggedLine::position`]).
    pub after: Option<i64>,
    /// The last so many when `after` is `None`, else the next so many.
    pub limit: u32,
}

/// A stored log line.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedLine {
    /// Grows with every stored line.
    pub position: i64,
    /// The function.
    pub function: FunctionRef,
    /// The invocation.
    pub invocation: InvocationId,
    /// The attempt.
    pub attempt: u32,
    /// The line.
    pub line: LogLine,
}

/// The depth of one function's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStats {
    /// The function.
    pub function: FunctionRef,
    /// Waiting.
    pub queued: u64,
    /// Under a lease.
    pub running: u64,
    /// Given up.
    pub dead_lettered: u64,
    /// When the oldest waiting one arrived.
    pub oldest: Option<Timestamp>,
}

/// Which dead-lettered invocations to redrive or purge.
#[derive(Clone, Debug)]
pub struct RedriveFilter {
    /// Of this function.
    pub function: FunctionRef,
    /// At most so many, oldest first.
    pub limit: u32,
}

/// The result of a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelResult {
    /// It waited, and is cancelled now.
    Cancelled,
    /// It runs: it is marked, and whoever runs it must end it. Should its lease run out it is cancelled then.
    Requested,
}

/// The next run of a cron trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRecord {
    /// The function.
    pub function: FunctionRef,
    /// Its trigger.
    pub trigger: TriggerName,
    /// Tells whether the schedule was changed: the schedule's and time zone's text.
    pub fingerprint: String,
    /// The next run.
    pub next_at: Timestamp,
    /// The last run.
    pub last_at: Option<Timestamp>,
}

/// A run of a cron trigger. It takes place only if the schedule's next run still is `expected`, so it takes place once.
#[derive(Clone, Debug)]
pub struct Fire {
    /// The function.
    pub function: FunctionRef,
    /// The trigger.
    pub trigger: TriggerName,
    /// The run that is due.
    pub expected: Timestamp,
    /// The one after it.
    pub next_at: Timestamp,
    /// What to submit in the same transaction.
    pub invocations: Vec<NewInvocation>,
}

/// What may be forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Succeeded, failed and cancelled invocations that ended before this.
    pub finished_before: Timestamp,
    /// Dead-lettered invocations that ended before this.
    pub dead_lettered_before: Timestamp,
    /// At most so many in one go.
    pub limit: u32,
}

/// Durable state.
#[async_trait]
pub trait Store: Send + Sync {
    /// Stores invocations, all or none. Unknown functions are [`StoreError::NotFound`]. A delayed one with a key holds up
    /// those of its key that come after it.
    async fn submit(&self, invocations: Vec<NewInvocation>) -> Result<Vec<Submitted>, StoreError>;

    /// Takes work under leases: the oldest available first (by `available_at`, then by arrival), and of a key only its
    /// oldest unfinished one. An unknown function has no work.
    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError>;

    /// Extends leases; returns those that are lost (stale, or whose invocation somebody wants cancelled: such a lease is not
    /// extended, but may still settle).
    async fn renew(&self, leases: Vec<LeaseRef>, until: Timestamp) -> Result<Vec<LeaseRef>, StoreError>;

    /// Ends an attempt: status, result, log, emitted events and acknowledgement together. [`StoreError::Stale`] if the
    /// lease is not the newest (also when the invocation is gone), [`StoreError::NotFound`] if an event is emitted to an unknown
    /// function. The response takes the place of an earlier attempt's. An invocation that somebody wants cancelled is not queued
    /// again: settled as `Queued` it is cancelled.
    async fn settle(&self, settlement: Settlement) -> Result<Settled, StoreError>;

    /// Puts back invocations whose lease ran out by `now`, or is not held by `only_owner` when that is given; each counts as one
    /// more interruption (and one more attempt that ended as interrupted), and with `interruptions_max` of them it is
    /// dead-lettered. Marked ones are cancelled. Returns the functions that have work because of it.
    async fn expire(
        &self,
        now: Timestamp,
        only_owner: Option<String>,
        interruptions_max: u32,
    ) -> Result<Vec<FunctionRef>, StoreError>;

    /// The functions that have an invocation available by `now`, and the time after `now` when the next one becomes available.
    async fn due(&self, now: Timestamp) -> Result<(Vec<FunctionRef>, Option<Timestamp>), StoreError>;

    /// Cancels. [`StoreError::Conflict`] when it has ended.
    async fn cancel(&self, id: InvocationId, now: Timestamp) -> Result<CancelResult, StoreError>;

    /// Queues a finished invocation again, with its failures, outcome and response forgotten; its attempts are kept and
    /// counted on. With a key it joins the end of the line. [`StoreError::Conflict`] when it has not ended or its event was not kept.
    async fn retry(&self, id: InvocationId, now: Timestamp) -> Result<FunctionRef, StoreError>;

    /// Does what [`Store::retry`] does for dead-lettered invocations, oldest first. Returns how many.
    async fn redrive(&self, filter: RedriveFilter, now: Timestamp) -> Result<u64, StoreError>;

    /// Deletes dead-lettered invocations, or, with `queued`, the waiting ones. Returns how many.
    async fn purge(&self, filter: RedriveFilter, queued: bool) -> Result<u64, StoreError>;

    /// Writes the history of synchronous calls. Not durable until some later commit; an unknown function's records and
    /// those with an id known already are dropped. [`StoreError::Conflict`] when a status is not final.
    async fn record(&self, records: Vec<HistoryRecord>) -> Result<(), StoreError>;

    /// One invocation.
    async fn invocation(&self, id: InvocationId) -> Result<InvocationDetail, StoreError>;

    /// The event's body. [`StoreError::NotFound`] also when it was not kept.
    async fn event_body(&self, id: InvocationId) -> Result<Bytes, StoreError>;

    /// The response; `None` while there is none.
    async fn reply(&self, id: InvocationId) -> Result<Option<Reply>, StoreError>;

    /// Invocations, newest first, which is the order of their ids.
    async fn invocations(&self, filter: InvocationFilter) -> Result<Page<Invocation>, StoreError>;

    /// Log lines, oldest first.
    async fn logs(&self, filter: LogFilter) -> Result<Vec<LoggedLine>, StoreError>;

    /// Queue depths of one function ([`StoreError::NotFound`] if unknown) or, by name, of all of a project.
    async fn queues(
        &self,
        project: &ProjectName,
        function: Option<&FunctionRef>,
    ) -> Result<Vec<QueueStats>, StoreError>;

    /// Stores a revision and makes it the active one; creates the function if it is new. The number must be one more than the
    /// newest ([`StoreError::Conflict`] otherwise).
    async fn put_revision(
        &self,
        revision: RevisionRecord,
        desired: FunctionState,
    ) -> Result<FunctionRecord, StoreError>;

    /// Changes the active revision.
    async fn activate(
        &self,
        function: &FunctionRef,
        revision: RevisionNumber,
        now: Timestamp,
    ) -> Result<FunctionRecord, StoreError>;

    /// Changes the desired state.
    async fn set_desired(
        &self,
        function: &FunctionRef,
        desired: FunctionState,
        now: Timestamp,
    ) -> Result<FunctionRecord, StoreError>;

    /// All functions of all projects, by name.
    async fn functions(&self) -> Result<Vec<FunctionRecord>, StoreError>;

    /// The revisions of a function, newest first.
    async fn revisions(&self, function: &FunctionRef) -> Result<Vec<RevisionRecord>, StoreError>;

    /// Deletes a function with its revisions, schedules, invocations and logs.
    async fn delete_function(&self, function: &FunctionRef) -> Result<(), StoreError>;

    /// Makes the schedules of a function exactly these. One whose fingerprint is unchanged keeps its next run.
    async fn put_schedules(&self, function: &FunctionRef, schedules: Vec<ScheduleRecord>) -> Result<(), StoreError>;

    /// All schedules, the next run first.
    async fn schedules(&self) -> Result<Vec<ScheduleRecord>, StoreError>;

    /// Runs a schedule once. `None` when somebody else did, or the schedule is gone.
    async fn fire(&self, fire: Fire) -> Result<Option<Vec<Submitted>>, StoreError>;

    /// Forgets old invocations with their bodies and logs, oldest first, dead-lettered ones last. Returns how many.
    async fn prune(&self, retention: Retention) -> Result<u64, StoreError>;

    /// The state of an actor; `None` while it has none. [`StoreError::NotFound`] for an unknown function.
    async fn state(&self, function: &FunctionRef, key: &str) -> Result<Option<StateRecord>, StoreError>;

    /// Replaces the state of an actor, or deletes it (`None`). With `expected` only if its version is that (0: there is none);
    /// [`StoreError::Conflict`] otherwise. Returns the new version, 0 when deleted. An execution that runs meanwhile and changes
    /// the state has the last word.
    async fn put_state(
        &self,
        function: &FunctionRef,
        key: &str,
        value: Option<Bytes>,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// The states of a function by key, those after `after`, at most `limit`, without their values.
    async fn states(
        &self,
        function: &FunctionRef,
        after: Option<String>,
        limit: u32,
    ) -> Result<Page<StateRecord>, StoreError>;

    /// Takes the oldest result of an invocation away; `None` when there is none.
    async fn take_result(&self, id: InvocationId) -> Result<Option<Bytes>, StoreError>;

    /// What the kept executions of a function used, all their attempts together.
    async fn usage(&self, function: &FunctionRef) -> Result<Usage, StoreError>;

    /// Forgets the logs of a function's invocations that ended before `before`, at most those of `limit` invocations. Returns
    /// of how many.
    async fn forget_logs(&self, function: &FunctionRef, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Whether it can write: performs a small durable write.
    async fn check(&self) -> Result<(), StoreError>;
}
