//! Random sequences of intents, carried out on both stores, must have the same results and leave the same state.

use std::fmt::Debug;

use bytes::Bytes;
use proptest::prelude::*;
use tidemill_core::{
    InvocationId, Timestamp,
    function::FunctionState,
    id::Generation,
    invocation::{Invocation, RunReport, Status},
    limits::{INLINE_BODY_BYTES_MAX, INTERRUPTIONS_MAX},
    name::ProjectName,
    ports::{
        Claim, Clock, EntryChange, EntryId, EntryKind, Expected, HistoryRecord, InvocationFilter, LeaseRef, LogFilter,
        NewInvocation, RedriveFilter, Retention, Settlement, Store, StoreError,
    },
};

use super::{memory, quick_sqlite};
use crate::contract::{Subject, make};

const FUNCTIONS: [&str; 2] = ["f", "g"];
/// Keys of states: those that submissions have, and the empty one of those without.
const KEYS: [&str; 3] = ["", "0", "1"];
const KINDS: [EntryKind; 2] = [EntryKind::Alias, EntryKind::Nonce];

#[derive(Clone, Debug)]
struct Submission {
    function: usize,
    key: Option<u8>,
    idempotency_key: Option<u8>,
    delay: u8,
    leased: bool,
    big: bool,
}

#[derive(Clone, Debug)]
enum Action {
    Advance(u8),
    Submit(Vec<Submission>),
    Claim { function: usize, limit: u8, owner: u8 },
    Renew { which: Vec<usize>, stale: bool },
    Settle { which: usize, status: Status, wait: u8, emits: Vec<Submission>, stale: bool, left: Left },
    Expire { owner: Option<u8> },
    Cancel(usize),
    Retry(usize),
    Redrive { function: usize, limit: u8 },
    Purge { function: usize, limit: u8, queued: bool },
    Record { function: usize, status: Status, kept: bool },
    Prune { age: u8, dead_age: u8, limit: u8 },
    Redeploy(usize),
    Delete(usize),
    PutState { function: usize, key: usize, value: Option<Value>, expected: Option<u8> },
    TakeResult(usize),
    Change(Vec<Change>),
    ForgetLogs { function: usize, age: u8, limit: u8 },
}

/// A state or result: a number, or so large that it is a blob.
#[derive(Clone, Debug)]
struct Value {
    number: u8,
    big: bool,
}

impl Value {
    fn bytes(&self) -> Bytes {
        if self.big { vec![self.number; INLINE_BODY_BYTES_MAX + 1].into() } else { self.number.to_string().into() }
    }
}

/// What an execution leaves besides its response.
#[derive(Clone, Debug)]
struct Left {
    state: Option<Value>,
    results: Vec<Value>,
    report: Option<u8>,
}

/// The change of an entry; `expected` is a version, 0 for none.
#[derive(Clone, Debug)]
struct Change {
    kind: usize,
    name: u8,
    value: Option<u8>,
    expected: Option<u8>,
}

fn value() -> impl Strategy<Value = Value> {
    (0..4u8, proptest::bool::weighted(0.2)).prop_map(|(number, big)| Value { number, big })
}

fn left() -> impl Strategy<Value = Left> {
    let state = proptest::option::weighted(0.4, value());
    let results = prop_oneof![2 => Just(Vec::new()), 1 => proptest::collection::vec(value(), 1..4)];
    (state, results, proptest::option::of(any::<u8>())).prop_map(|(state, results, report)| Left {
        state,
        results,
        report,
    })
}

fn change() -> impl Strategy<Value = Change> {
    let value = proptest::option::weighted(0.8, any::<u8>());
    (0..2usize, 0..3u8, value, proptest::option::weighted(0.6, 0..4u8))
        .prop_map(|(kind, name, value, expected)| Change { kind, name, value, expected })
}

fn submission() -> impl Strategy<Value = Submission> {
    let keys = (proptest::option::weighted(0.7, 0..2u8), proptest::option::weighted(0.1, 0..3u8));
    (
        prop_oneof![3 => Just(0usize), 1 => Just(1)],
        keys,
        prop_oneof![3 => Just(0), 1 => 0..20u8],
        any::<bool>(),
        proptest::bool::weighted(0.05),
    )
        .prop_map(|(function, (key, idempotency_key), delay, leased, big)| Submission {
            function,
            key,
            idempotency_key,
            delay,
            leased,
            big,
        })
}

fn submissions() -> impl Strategy<Value = Vec<Submission>> {
    proptest::collection::vec(submission(), 0..4)
}

fn final_status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Succeeded), Just(Status::Failed), Just(Status::DeadLettered), Just(Status::Cancelled)]
}

fn action() -> impl Strategy<Value = Action> {
    let which = 0..200usize;
    let settle = (which.clone(), prop_oneof![2 => Just(Status::Queued), 3 => final_status()], 0..10u8, submissions());
    prop_oneof![
        3 => (1..20u8).prop_map(Action::Advance),
        6 => submissions().prop_map(Action::Submit),
        5 => (0..2usize, 0..4u8, 0..2u8).prop_map(|(function, limit, owner)| Action::Claim { function, limit, owner }),
        1 => (proptest::collection::vec(which.clone(), 0..3), any::<bool>())
            .prop_map(|(which, stale)| Action::Renew { which, stale }),
        6 => (settle, proptest::bool::weighted(0.1), left()).prop_map(|((which, status, wait, emits), stale, left)| {
            Action::Settle { which, status, wait, emits, stale, left }
        }),
        2 => (0..2usize, 0..3usize, proptest::option::weighted(0.7, value()), proptest::option::of(0..4u8))
            .prop_map(|(function, key, value, expected)| Action::PutState { function, key, value, expected }),
        2 => (0..200usize).prop_map(Action::TakeResult),
        2 => proptest::collection::vec(change(), 0..4).prop_map(Action::Change),
        1 => (0..2usize, 0..20u8, 0..4u8)
            .prop_map(|(function, age, limit)| Action::ForgetLogs { function, age, limit }),
        2 => proptest::option::weighted(0.3, 0..2u8).prop_map(|owner| Action::Expire { owner }),
        2 => which.clone().prop_map(Action::Cancel),
        4 => which.prop_map(Action::Retry),
        2 => (0..2usize, 0..5u8).prop_map(|(function, limit)| Action::Redrive { function, limit }),
        1 => (0..2usize, 0..5u8, any::<bool>())
            .prop_map(|(function, limit, queued)| Action::Purge { function, limit, queued }),
        1 => (0..2usize, final_status(), any::<bool>())
            .prop_map(|(function, status, kept)| Action::Record { function, status, kept }),
        1 => (0..40u8, 0..40u8, 0..6u8).prop_map(|(age, dead_age, limit)| Action::Prune { age, dead_age, limit }),
        1 => (0..2usize).prop_map(Action::Redeploy),
        1 => proptest::bool::weighted(0.2).prop_flat_map(|rare| if rare {
            (0..2usize).prop_map(Action::Delete).boxed()
        } else {
            Just(Action::Advance(1)).boxed()
        }),
    ]
}

/// One store and what this test knows of its invocations.
struct Side {
    subject: Subject,
    numbers: u64,
}

impl Change {
    fn build(&self) -> EntryChange {
        let id = EntryId { kind: KINDS[self.kind], project: ProjectName::default(), name: self.name.to_string() };
        let expected = match self.expected {
            None => Expected::Any,
            Some(0) => Expected::Absent,
            Some(version) => Expected::Version(version.into()),
        };
        EntryChange { id, value: self.value.map(|number| number.into()), expected }
    }
}

/// Bytes in a few words: how many, and the first.
fn short(bytes: Option<Bytes>) -> Option<(usize, Option<u8>)> {
    bytes.map(|bytes| (bytes.len(), bytes.first().copied()))
}

fn text<T: Debug>(result: Result<T, StoreError>) -> String {
    format!("{result:?}")
}

impl Side {
    fn now(&self) -> Timestamp {
        self.subject.clock.now()
    }

    fn store(&self) -> &dyn Store {
        self.subject.store.as_ref()
    }

    fn build(&mut self, submission: &Submission) -> NewInvocation {
        self.numbers += 1;
        let mut new = make::new(FUNCTIONS[submission.function], self.numbers);
        if submission.big {
            new.event.body = Bytes::from(vec![b'x'; INLINE_BODY_BYTES_MAX + 1]);
        }
        let until = self.now() + std::time::Duration::from_secs(15);
        NewInvocation {
            key: submission.key.map(|key| key.to_string()),
            idempotency_key: submission.idempotency_key.map(|key| key.to_string()),
            received_at: self.now(),
            available_at: self.now() + std::time::Duration::from_secs(submission.delay.into()),
            lease: if submission.leased { make::lease("n0", until) } else { None },
            ..new
        }
    }

    /// One of the invocations there may be.
    fn pick(&self, which: usize) -> InvocationId {
        make::id(which as u64 % (self.numbers + 1))
    }

    /// The lease of an invocation, if it runs.
    async fn running(&self, which: usize) -> Option<Invocation> {
        let filter = InvocationFilter { status: Some(Status::Running), limit: 100, ..InvocationFilter::default() };
        let running = self.store().invocations(filter).await.unwrap().items;
        if running.is_empty() { None } else { Some(running[which % running.len()].clone()) }
    }

    async fn carry_out(&mut self, action: &Action) -> String {
        let now = self.now();
        let seconds = |count: u8| std::time::Duration::from_secs(count.into());
        match action {
            Action::Advance(count) => {
                self.subject.clock.advance(i64::from(*count) * 1_000_000);
                String::new()
            }
            Action::Submit(submissions) => {
                let new = submissions.iter().map(|submission| self.build(submission)).collect();
                text(self.store().submit(new).await)
            }
            Action::Claim { function, limit, owner } => {
                let claim = make::claim(FUNCTIONS[*function], (*limit).into(), now);
                text(self.store().claim(Claim { owner: format!("n{owner}"), ..claim }).await)
            }
            Action::Renew { which, stale } => {
                let mut leases = Vec::new();
                for which in which {
                    if let Some(running) = self.running(*which).await {
                        let generation = Generation(running.generation.0 - u32::from(*stale));
                        leases.push(LeaseRef { id: running.id, generation });
                    }
                }
                text(self.store().renew(leases, now + seconds(30)).await)
            }
            Action::Settle { which, status, wait, emits, stale, left } => {
                let emits = emits.iter().map(|submission| self.build(submission)).collect();
                let Some(running) = self.running(*which).await else { return String::new() };
                let mut settlement = make::settlement(&running, *status, now);
                settlement.lease.generation.0 -= u32::from(*stale);
                settlement.state = left.state.as_ref().map(Value::bytes);
                settlement.results = left.results.iter().map(Value::bytes).collect();
                settlement.attempt.report = left.report.map(|number| RunReport {
                    exit_code: Some(number.into()),
                    cpu_ns: number.into(),
                    ..RunReport::default()
                });
                let logs = vec![make::line(&format!("settled as {}", status.as_str()))];
                let settlement = Settlement { available_at: now + seconds(*wait), emits, logs, ..settlement };
                text(self.store().settle(settlement).await)
            }
            Action::Expire { owner } => {
                let owner = owner.map(|owner| format!("n{owner}"));
                text(self.store().expire(now, owner, INTERRUPTIONS_MAX.min(3)).await)
            }
            Action::Cancel(which) => text(self.store().cancel(self.pick(*which), now).await),
            Action::Retry(which) => text(self.store().retry(self.pick(*which), now).await),
            Action::Redrive { function, limit } => {
                let filter = RedriveFilter { function: make::function(FUNCTIONS[*function]), limit: (*limit).into() };
                text(self.store().redrive(filter, now).await)
            }
            Action::Purge { function, limit, queued } => {
                let filter = RedriveFilter { function: make::function(FUNCTIONS[*function]), limit: (*limit).into() };
                text(self.store().purge(filter, *queued).await)
            }
            Action::Record { function, status, kept } => {
                let record = self.record(FUNCTIONS[*function], *status, *kept);
                text(self.store().record(vec![record]).await)
            }
            Action::Prune { age, dead_age, limit } => {
                let retention = Retention {
                    finished_before: now - seconds(*age),
                    dead_lettered_before: now - seconds(*dead_age),
                    limit: (*limit).into(),
                };
                text(self.store().prune(retention).await)
            }
            Action::Redeploy(function) => {
                let name = FUNCTIONS[*function];
                let known = self.store().revisions(&make::function(name)).await.unwrap_or_default();
                let next = known.first().map_or(1, |newest| newest.number.0 + 1);
                text(self.store().put_revision(make::revision(name, next, now), FunctionState::Active).await)
            }
            Action::Delete(function) => text(self.store().delete_function(&make::function(FUNCTIONS[*function])).await),
            Action::PutState { function, key, value, expected } => {
                let (name, value) = (make::function(FUNCTIONS[*function]), value.as_ref().map(Value::bytes));
                text(self.store().put_state(&name, KEYS[*key], value, expected.map(u64::from), now).await)
            }
            Action::TakeResult(which) => text(self.store().take_result(self.pick(*which)).await.map(short)),
            Action::Change(changes) => {
                text(self.subject.registry.change(changes.iter().map(Change::build).collect()).await)
            }
            Action::ForgetLogs { function, age, limit } => {
                let name = make::function(FUNCTIONS[*function]);
                text(self.store().forget_logs(&name, now - seconds(*age), (*limit).into()).await)
            }
        }
    }

    fn record(&mut self, name: &str, status: Status, kept: bool) -> HistoryRecord {
        self.numbers += 1;
        let new = make::new(name, self.numbers);
        let now = self.now();
        let mut invocation = Invocation {
            id: new.id,
            function: new.function,
            status,
            event_size: new.event.body.len() as u64,
            event: new.event,
            key: None,
            idempotency_key: None,
            parent: None,
            attempts: 1,
            failures: 0,
            interruptions: 0,
            generation: Generation(0),
            received_at: now,
            available_at: now,
            started_at: Some(now),
            finished_at: Some(now),
            outcome: None,
            reason: String::new(),
            response_status: None,
            timings: Default::default(),
        };
        let attempt = make::settlement(&invocation, status, now).attempt;
        invocation.outcome = Some(attempt.outcome);
        if !kept {
            invocation.event.body = Bytes::new();
        }
        HistoryRecord { invocation, attempt, reply: None, logs: vec![make::line("call")] }
    }

    /// Everything that can be read.
    async fn snapshot(&self) -> Vec<String> {
        let store = self.store();
        let all = InvocationFilter { limit: 10_000, ..InvocationFilter::default() };
        let mut state = vec![
            text(store.functions().await),
            text(store.due(self.now()).await),
            text(store.queues(&ProjectName::default(), None).await),
            text(store.logs(LogFilter { limit: 10_000, ..LogFilter::default() }).await),
            text(store.invocations(all.clone()).await),
        ];
        for status in Status::ALL {
            let filter = InvocationFilter { status: Some(status), limit: 3, ..all.clone() };
            state.push(text(store.invocations(filter).await));
        }
        for name in FUNCTIONS.map(make::function) {
            state.push(text(store.usage(&name).await));
            state.push(text(store.states(&name, None, 2).await));
            state.push(text(store.states(&name, Some("".into()), 9).await));
            for key in KEYS {
                let found = store.state(&name, key).await;
                state.push(text(found.map(|found| found.map(|found| (found.version, short(Some(found.value)))))));
            }
        }
        for kind in KINDS {
            state.push(text(self.subject.registry.entries(kind, None).await));
        }
        state
    }

    /// What can be read of each invocation.
    async fn details(&self) -> Vec<String> {
        let mut state = Vec::new();
        for id in (0..=self.numbers).map(make::id) {
            state.push(text(self.store().invocation(id).await));
            state.push(text(self.store().reply(id).await));
            state.push(text(self.store().event_body(id).await.map(|body| body.len())));
        }
        state
    }

    /// Takes all results that are left.
    async fn take_all(&self) -> Vec<String> {
        let mut taken = Vec::new();
        for id in (0..=self.numbers).map(make::id) {
            loop {
                let result = self.store().take_result(id).await.map(short);
                let is_over = !matches!(result, Ok(Some(_)));
                taken.push(text(result));
                if is_over {
                    break;
                }
            }
        }
        taken
    }

    /// Runs all that is left, and tells in which order.
    async fn drain(&self) -> Vec<String> {
        self.subject.clock.advance(60_000_000);
        let mut order = vec![text(self.store().expire(self.now(), None, INTERRUPTIONS_MAX).await)];
        for name in FUNCTIONS {
            loop {
                let claimed = make::claim_all(&self.subject, name).await;
                if claimed.is_empty() {
                    break;
                }
                for claimed in claimed {
                    order.push(claimed.invocation.id.to_string());
                    make::settle(&self.subject, &claimed.invocation, Status::Succeeded).await;
                }
            }
        }
        order
    }
}

async fn compare(actions: Vec<Action>) -> Result<(), TestCaseError> {
    let mut model = Side { subject: memory(), numbers: 0 };
    let mut real = Side { subject: quick_sqlite(), numbers: 0 };
    for side in [&model, &real] {
        for name in FUNCTIONS {
            make::deploy(&side.subject, name).await;
        }
    }
    for action in &actions {
        let (expected, found) = (model.carry_out(action).await, real.carry_out(action).await);
        prop_assert_eq!(expected, found, "{:?}", action);
        let (expected, found) = (model.snapshot().await, real.snapshot().await);
        for (expected, found) in expected.into_iter().zip(found) {
            prop_assert_eq!(expected, found, "after {:?}", action);
        }
    }
    prop_assert_eq!(model.details().await, real.details().await);
    prop_assert_eq!(model.drain().await, real.drain().await);
    prop_assert_eq!(model.snapshot().await, real.snapshot().await);
    prop_assert_eq!(model.details().await, real.details().await);
    prop_assert_eq!(model.take_all().await, real.take_all().await);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_stores_agree(actions in proptest::collection::vec(action(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be made");
        runtime.block_on(compare(actions))?;
    }
}
