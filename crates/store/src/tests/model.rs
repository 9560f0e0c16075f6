//! Random sequences of intents, carried out on both stores, must have the same results and leave the same state.

use std::fmt::Debug;

use bytes::Bytes;
use proptest::prelude::*;
use tidemill_core::{
    InvocationId, Timestamp,
    function::FunctionState,
    id::Generation,
    invocation::{Invocation, Status},
    limits::{INLINE_BODY_BYTES_MAX, INTERRUPTIONS_MAX},
    name::ProjectName,
    ports::{
        Claim, Clock, HistoryRecord, InvocationFilter, LeaseRef, LogFilter, NewInvocation, RedriveFilter, Retention,
        Settlement, Store, StoreError,
    },
};

use super::{memory, quick_sqlite};
use crate::contract::{Subject, make};

const FUNCTIONS: [&str; 2] = ["f", "g"];

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
    Settle { which: usize, status: Status, wait: u8, emits: Vec<Submission>, stale: bool },
    Expire { owner: Option<u8> },
    Cancel(usize),
    Retry(usize),
    Redrive { function: usize, limit: u8 },
    Purge { function: usize, limit: u8, queued: bool },
    Record { function: usize, status: Status, kept: bool },
    Prune { age: u8, dead_age: u8, limit: u8 },
    Redeploy(usize),
    Delete(usize),
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
        6 => (settle, proptest::bool::weighted(0.1)).prop_map(|((which, status, wait, emits), stale)| {
            Action::Settle { which, status, wait, emits, stale }
        }),
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
            Action::Settle { which, status, wait, emits, stale } => {
                let emits = emits.iter().map(|submission| self.build(submission)).collect();
                let Some(running) = self.running(*which).await else { return String::new() };
                let mut settlement = make::settlement(&running, *status, now);
                settlement.lease.generation.0 -= u32::from(*stale);
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
