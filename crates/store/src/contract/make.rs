//! What the tests are made of.

use std::{
    any::Any,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use bytes::Bytes;
use tidemill_core::{
    Timestamp,
    event::Event,
    function::{FunctionRecord, FunctionState, RevisionRecord},
    id::{InvocationId, RevisionNumber},
    invocation::{Attempt, AttemptOutcome, Invocation, LogLevel, LogLine, Reply, Status},
    name::FunctionRef,
    ports::{Claim, Claimed, Clock, LeaseGrant, LeaseRef, NewInvocation, Registry, Settlement, Store},
    spec::{FunctionSpec, Runtime},
};

/// When every test begins.
pub const START: Timestamp = Timestamp(1_800_000_000_000_000);

/// A clock that stands still until it is moved.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows [`START`].
    pub fn new() -> Arc<ManualClock> {
        Arc::new(ManualClock(AtomicI64::new(START.0)))
    }

    /// Moves it and tells the new time.
    pub fn advance(&self, micros: i64) -> Timestamp {
        Timestamp(self.0.fetch_add(micros, Ordering::Relaxed) + micros)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// A fresh store under test.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The registry in it.
    pub registry: Arc<dyn Registry>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Whatever must live as long as the store (a temporary directory).
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Takes what must be there.
pub trait Works<T> {
    /// The value; panics with the error where it is called.
    fn works(self) -> T;
}

impl<T, E: fmt::Debug> Works<T> for Result<T, E> {
    #[track_caller]
    fn works(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("it should work: {error:?}"),
        }
    }
}

impl<T> Works<T> for Option<T> {
    #[track_caller]
    fn works(self) -> T {
        match self {
            Some(value) => value,
            None => panic!("there should be something"),
        }
    }
}

/// A time so many seconds after [`START`].
pub fn at(seconds: i64) -> Timestamp {
    Timestamp(START.0 + seconds * 1_000_000)
}

/// The `number`th id; ids sort by number.
pub fn id(number: u64) -> InvocationId {
    InvocationId::new(Timestamp(START.0 + i64::try_from(number).works() * 1000), u128::from(number))
}

/// A function by name, as in `hello` or `shop:hello`.
pub fn function(name: &str) -> FunctionRef {
    name.parse().works()
}

/// The settings that functions get here.
pub fn spec() -> FunctionSpec {
    FunctionSpec::new(Runtime::Python(None))
}

/// A revision of a function.
pub fn revision(name: &str, number: u32, created_at: Timestamp) -> RevisionRecord {
    RevisionRecord {
        function: function(name),
        number: RevisionNumber(number),
        spec: spec(),
        package: format!("{number:064x}").parse().works(),
        created_at,
    }
}

/// Deploys the first revision of a function.
pub async fn deploy(subject: &Subject, name: &str) -> FunctionRecord {
    subject.store.put_revision(revision(name, 1, START), FunctionState::Active).await.works()
}

/// The `number`th invocation of a function, with its number as its body.
pub fn new(name: &str, number: u64) -> NewInvocation {
    NewInvocation {
        id: id(number),
        function: function(name),
        event: Event {
            id: id(number).to_string(),
            time: START,
            method: "POST".into(),
            path: "/".into(),
            headers: vec![("x-number".into(), number.to_string())],
            body: Bytes::from(number.to_string()),
            ..Event::default()
        },
        key: None,
        idempotency_key: None,
        parent: None,
        received_at: START,
        available_at: START,
        received_us: 7,
        lease: None,
    }
}

/// Like [`new`], with a key.
pub fn keyed(name: &str, number: u64, key: &str) -> NewInvocation {
    NewInvocation { key: Some(key.into()), ..new(name, number) }
}

/// A lease for `owner` until `until`.
pub fn lease(owner: &str, until: Timestamp) -> Option<LeaseGrant> {
    Some(LeaseGrant { owner: owner.into(), until })
}

/// Asks for work for node `n1` with a lease of 30 s.
pub fn claim(name: &str, limit: u32, now: Timestamp) -> Claim {
    Claim {
        function: function(name),
        limit,
        owner: "n1".into(),
        now,
        lease_until: now + std::time::Duration::from_secs(30),
    }
}

/// Claims all that is available at the clock's time.
pub async fn claim_all(subject: &Subject, name: &str) -> Vec<Claimed> {
    subject.store.claim(claim(name, 1000, subject.clock.now())).await.works()
}

/// Claims the one that must be there.
pub async fn claim_one(subject: &Subject, name: &str) -> Invocation {
    let mut claimed = subject.store.claim(claim(name, 1, subject.clock.now())).await.works();
    claimed.pop().works().invocation
}

/// The ids of claimed invocations.
pub fn ids(claimed: &[Claimed]) -> Vec<InvocationId> {
    claimed.iter().map(|claimed| claimed.invocation.id).collect()
}

/// The lease under which an invocation runs.
pub fn held(invocation: &Invocation) -> LeaseRef {
    LeaseRef { id: invocation.id, generation: invocation.generation }
}

/// A response.
pub fn reply(status: u16, body: impl Into<Bytes>) -> Reply {
    Reply {
        status,
        content_type: "text/plain".into(),
        headers: vec![("x-reply".into(), "yes".into())],
        body: body.into(),
    }
}

/// A log line.
pub fn line(message: &str) -> LogLine {
    LogLine { time: START, level: LogLevel::Info, message: message.into(), fields: None }
}

/// The end of a claimed invocation's attempt in some status.
pub fn settlement(invocation: &Invocation, status: Status, now: Timestamp) -> Settlement {
    let outcome = match status {
        Status::Succeeded => AttemptOutcome::Succeeded,
        Status::Cancelled => AttemptOutcome::Cancelled,
        Status::Queued | Status::Running | Status::Failed | Status::DeadLettered => AttemptOutcome::Raised,
    };
    let reason = if status == Status::Succeeded { "" } else { "ValueError: no" };
    Settlement {
        lease: held(invocation),
        status,
        available_at: now,
        failures: invocation.failures + u32::from(outcome == AttemptOutcome::Raised),
        interruptions: invocation.interruptions,
        attempt: Attempt {
            number: invocation.attempts,
            revision: Some(RevisionNumber(1)),
            worker: "w-1".into(),
            started_at: invocation.started_at.works(),
            finished_at: now,
            outcome,
            reason: reason.into(),
            report: None,
        },
        reply: (status == Status::Succeeded).then(|| reply(200, "done")),
        logs: Vec::new(),
        timings: invocation.timings,
        emits: Vec::new(),
        state: None,
        results: Vec::new(),
    }
}

/// Ends an attempt at the clock's time; tells whether that freed another invocation of the key.
pub async fn settle(subject: &Subject, invocation: &Invocation, status: Status) -> bool {
    let settlement = settlement(invocation, status, subject.clock.now());
    subject.store.settle(settlement).await.works().unblocked
}

/// The stored invocation.
pub async fn stored(subject: &Subject, id: InvocationId) -> Invocation {
    subject.store.invocation(id).await.works().invocation
}

/// Submits one that is claimed at once and ended in some status.
pub async fn ended(subject: &Subject, new: NewInvocation, status: Status) -> Invocation {
    let id = new.id;
    let name = new.function.to_string();
    subject.store.submit(vec![new]).await.works();
    let invocation = claim_one(subject, &name).await;
    assert_eq!(invocation.id, id, "it is alone in its queue");
    settle(subject, &invocation, status).await;
    stored(subject, id).await
}
