//! One attempt of a queued invocation (or of a batch of them), from its lease to its settlement.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tidemill_core::{
    RevisionNumber, Timestamp,
    invocation::{Attempt, AttemptOutcome, Invocation, LogLevel, LogLine, Reply, RunReport, Status, Timings},
    limits::RESPONSE_BODY_BYTES_MAX,
    ports::{Call, CallEnd, CallOutcome, LaunchError, LeaseRef, Message, Settlement, StoreError},
    retry,
    spec::{FunctionSpec, StateScope},
    time::micros,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    emits,
    function::{Current, Function, Permit},
    large::Room,
    pool::{AcquireError, Slot},
    shared::{RunningAttempt, Shared},
};

/// The first wait when the store refuses a settlement; doubles up to [`SETTLE_BACKOFF_MAX`].
const SETTLE_BACKOFF: Duration = Duration::from_millis(100);
/// The longest such wait.
const SETTLE_BACKOFF_MAX: Duration = Duration::from_secs(5);
/// The wait after an event's body could not be read: no fault of the function, and perhaps one that passes.
const UNREADABLE: Duration = Duration::from_secs(5);
/// Replies from this status on say that the function itself failed; a queued invocation is then tried again.
const FAILED_FROM: u16 = 500;

/// An invocation under a lease of this node.
pub(crate) struct Held {
    pub invocation: Invocation,
    /// Time of the accepting commit, for invocations handed over directly.
    pub accept_commit: Duration,
    pub permit: Permit,
}

/// How a call went, in the words of an attempt.
pub(crate) struct Ending {
    pub outcome: AttemptOutcome,
    pub reason: String,
    /// One for each event when the handler replied.
    pub replies: Vec<Reply>,
    pub logs: Vec<LogLine>,
    /// The new state, when it changed.
    pub state: Option<Bytes>,
    /// Messages sent.
    pub sends: Vec<Message>,
    /// Results left, in order.
    pub results: Vec<Bytes>,
    pub report: Option<RunReport>,
    pub user_code: Duration,
    pub call: Duration,
    pub cold_start: Duration,
    pub worker: String,
    pub revision: Option<RevisionNumber>,
    /// When it began, or ended without having begun.
    pub started_at: Timestamp,
    /// Whether anything was tried: a worker reached, or a start made for it.
    pub has_begun: bool,
    /// The next attempt waits at least so long.
    pub rest: Duration,
    /// Memory for large replies.
    pub _room: Room,
}

impl Ending {
    fn not_begun(outcome: AttemptOutcome, reason: String, now: Timestamp) -> Ending {
        Ending {
            outcome,
            reason,
            replies: Vec::new(),
            logs: Vec::new(),
            state: None,
            sends: Vec::new(),
            results: Vec::new(),
            report: None,
            user_code: Duration::ZERO,
            call: Duration::ZERO,
            cold_start: Duration::ZERO,
            worker: String::new(),
            revision: None,
            started_at: now,
            has_begun: false,
            rest: Duration::ZERO,
            _room: None,
        }
    }

    /// No worker started for it. One line is the reason, the rest is its log.
    fn launch_failed(error: &LaunchError, revision: RevisionNumber, now: Timestamp) -> Ending {
        let mut logs = error.logs.clone();
        logs.extend(error.traceback().map(|traceback| LogLine {
            time: now,
            level: LogLevel::Error,
            message: traceback.to_owned(),
            fields: None,
        }));
        Ending {
            logs,
            revision: Some(revision),
            has_begun: true,
            ..Ending::not_begun(AttemptOutcome::LaunchFailed, error.line().to_owned(), now)
        }
    }
}

/// Translates a worker's answer. `events` is how many replies there must be.
pub(crate) fn ending(end: CallEnd, events: usize) -> Ending {
    let mut ending = Ending::not_begun(AttemptOutcome::Succeeded, String::new(), Timestamp(0));
    ending.has_begun = true;
    ending.logs = end.logs;
    ending.state = end.state;
    ending.sends = end.sends;
    ending.results = end.results;
    ending.report = end.report;
    ending.user_code = end.user_code;
    match end.outcome {
        CallOutcome::Replied(replies) if replies.len() != events => {
            ending.outcome = AttemptOutcome::BadResponse;
            ending.reason = format!("the handler gave {} responses for {events} events", replies.len());
        }
        CallOutcome::Replied(replies) if replies.iter().any(|r| r.body.len() as u64 > RESPONSE_BODY_BYTES_MAX) => {
            ending.outcome = AttemptOutcome::BadResponse;
            ending.reason = format!("the response is larger than {} MiB", RESPONSE_BODY_BYTES_MAX >> 20);
        }
        CallOutcome::Replied(replies) => ending.replies = replies,
        CallOutcome::Raised { message, status } => {
            ending.outcome = AttemptOutcome::Raised;
            ending.replies = vec![error_reply(status, &message)];
            ending.reason = message;
        }
        CallOutcome::Broken { outcome, reason } => {
            ending.outcome = outcome;
            ending.reason = reason;
        }
    }
    ending
}

/// The response that an HTTP caller gets for a failed attempt: one line.
pub(crate) fn error_reply(status: u16, line: &str) -> Reply {
    let mut body = line.to_owned();
    body.push('\n');
    let content_type = "text/plain; charset=utf-8".to_owned();
    Reply { status, content_type, headers: Vec::new(), body: Bytes::from(body) }
}

/// Runs invocations held under leases in one call, and settles each.
pub(crate) async fn run(shared: Arc<Shared>, function: Arc<Function>, held: Vec<Held>, is_batch: bool) {
    let cancelled = CancellationToken::new();
    for one in &held {
        let lease = LeaseRef { id: one.invocation.id, generation: one.invocation.generation };
        let attempt = RunningAttempt { lease, cancelled: cancelled.clone(), is_unwanted: false, worker: None };
        shared.running.lock().insert(one.invocation.id, attempt);
    }
    let mut held = held;
    let ending = attempt(&shared, &function, &mut held, is_batch, &cancelled).await;
    let count = held.len();
    // At once, so that they share a commit.
    let settlements = held.into_iter().enumerate().map(|(index, one)| {
        let (shared, function, ending) = (&shared, &function, &ending);
        async move {
            let lease = LeaseRef { id: one.invocation.id, generation: one.invocation.generation };
            settle(shared, function, one, ending, index, count).await;
            shared.forget(lease);
        }
    });
    futures_util::future::join_all(settlements).await;
}

/// Waits for a slot and calls the worker.
async fn attempt(
    shared: &Arc<Shared>,
    function: &Arc<Function>,
    held: &mut [Held],
    is_batch: bool,
    cancelled: &CancellationToken,
) -> Ending {
    let broken = |outcome, reason: &str| Ending::not_begun(outcome, reason.to_owned(), shared.now());
    held.iter_mut().for_each(|one| one.permit.wait());
    let (slot, current) = tokio::select! {
        biased;
        () = cancelled.cancelled() => return broken(AttemptOutcome::Cancelled, "cancelled before it began"),
        () = shared.stop.cancelled() => return broken(AttemptOutcome::Interrupted, "the server stopped before it began"),
        () = function.paused() => return broken(AttemptOutcome::Interrupted, "the function was paused before it began"),
        (acquired, current) = acquire(function) => match acquired {
            Ok(slot) => (slot, current),
            Err(AcquireError::Launch(error)) => return Ending::launch_failed(&error, current.revision, shared.now()),
            Err(AcquireError::Busy) => return broken(AttemptOutcome::Interrupted, "too many calls wait for a worker"),
            Err(AcquireError::Closed) => return broken(AttemptOutcome::Interrupted, "the function was deleted"),
        },
    };
    held.iter_mut().for_each(|one| one.permit.begin());
    let room = shared.large_bodies.take(held.iter().map(|one| one.invocation.event_size).sum()).await;
    if let Err(error) = fetch_bodies(shared, held).await {
        return Ending {
            worker: slot.worker().id().to_string(),
            revision: Some(current.revision),
            has_begun: true,
            rest: UNREADABLE,
            ..broken(AttemptOutcome::Interrupted, &format!("the event's body could not be read: {error}"))
        };
    }
    let Some(first) = held.first() else { return broken(AttemptOutcome::Interrupted, "nothing to run") };
    let (invocation, number) = (first.invocation.id, first.invocation.attempts);
    for one in held.iter() {
        if let Some(running) = shared.running.lock().get_mut(&one.invocation.id) {
            running.worker = Some((slot.worker().clone(), invocation));
        }
    }
    if cancelled.is_cancelled() {
        // Whoever cancelled in between saw no worker to tell.
        return broken(AttemptOutcome::Cancelled, "cancelled before it began");
    }
    let key = first.invocation.key.clone();
    let state = match state(shared, function, &current.spec, key.as_deref()).await {
        Ok(state) => state,
        Err(error) => {
            return Ending {
                worker: slot.worker().id().to_string(),
                revision: Some(current.revision),
                has_begun: true,
                rest: UNREADABLE,
                ..broken(AttemptOutcome::Interrupted, &format!("the state could not be read: {error}"))
            };
        }
    };
    let events = held.iter_mut().map(|one| std::mem::take(&mut one.invocation.event)).collect::<Vec<_>>();
    let count = events.len();
    let started_at = shared.now();
    let began = Instant::now();
    let call = Call {
        invocation,
        attempt: number,
        events,
        is_batch,
        timeout: current.spec.event_timeout,
        key,
        state,
        configs: Arc::default(),
    };
    let end = slot.call(&call).await;
    let took = began.elapsed();
    drop((call, room));
    let ending = ending(end, count);
    let reply_bytes = ending.replies.iter().map(|reply| reply.body.len() as u64).sum();
    Ending {
        _room: shared.large_bodies.take(reply_bytes).await,
        call: took,
        cold_start: slot.cold_start,
        worker: slot.worker().id().to_string(),
        revision: Some(current.revision),
        started_at,
        ..ending
    }
}

/// Reads the large bodies that did not come with the claim: only now is there a worker for them.
async fn fetch_bodies(shared: &Shared, held: &mut [Held]) -> Result<(), StoreError> {
    for one in held {
        let invocation = &mut one.invocation;
        if invocation.event.body.len() as u64 != invocation.event_size {
            invocation.event.body = shared.ports.store.event_body(invocation.id).await?;
        }
    }
    Ok(())
}

/// The state that an execution begins with: empty when none is stored yet, `None` for a function without state.
async fn state(
    shared: &Shared,
    function: &Function,
    spec: &FunctionSpec,
    key: Option<&str>,
) -> Result<Option<Bytes>, StoreError> {
    if spec.state == StateScope::None {
        return Ok(None);
    }
    let record = shared.ports.store.state(&function.reference, key.unwrap_or_default()).await?;
    Ok(Some(record.map(|record| record.value).unwrap_or_default()))
}

/// A slot of the revision that serves when one becomes free.
async fn acquire(function: &Arc<Function>) -> (Result<Slot, AcquireError>, Arc<Current>) {
    loop {
        let current = function.current.load_full();
        match current.pool.acquire(None).await {
            // A newer revision serves now.
            Err(AcquireError::Closed) if !function.stop.is_cancelled() => tokio::task::yield_now().await,
            result => return (result, current),
        }
    }
}

async fn settle(shared: &Arc<Shared>, function: &Arc<Function>, held: Held, ending: &Ending, index: usize, of: usize) {
    let Held { invocation, accept_commit, permit } = held;
    let now = shared.now();
    let mut outcome = ending.outcome;
    let mut reason = ending.reason.clone();
    // The error of a call that failed as a whole is everybody's.
    let reply = if outcome == AttemptOutcome::Succeeded { ending.replies.get(index) } else { ending.replies.first() };
    if let Some(reply) = reply.filter(|reply| outcome == AttemptOutcome::Succeeded && reply.status >= FAILED_FROM) {
        outcome = AttemptOutcome::Raised;
        reason = format!("the function responded with status {}", reply.status);
    }
    let lease = LeaseRef { id: invocation.id, generation: invocation.generation };
    if outcome == AttemptOutcome::Cancelled && !shared.is_unwanted(lease) {
        outcome = AttemptOutcome::Interrupted;
        reason = "another event of its batch was cancelled".to_owned();
    }
    let policy = function.current.load().spec.retry;
    let (failures, interruptions) = (invocation.failures, invocation.interruptions);
    let chance = shared.ports.rng.chance();
    let is_given_back = outcome == AttemptOutcome::Interrupted && !ending.has_begun;
    let mut verdict = if is_given_back {
        retry::given_back(failures, interruptions, invocation.available_at)
    } else {
        retry::after_attempt(&policy, outcome, failures, interruptions, now, chance)
    };
    if !ending.rest.is_zero() {
        verdict.available_at = verdict.available_at.max(now + ending.rest);
    }
    let attempt = Attempt {
        number: invocation.attempts,
        revision: ending.revision,
        worker: ending.worker.clone(),
        started_at: ending.started_at,
        finished_at: now,
        outcome,
        reason,
        report: ending.report.clone(),
    };
    let settlement = Settlement {
        lease,
        status: verdict.status,
        available_at: verdict.available_at,
        failures: verdict.failures,
        interruptions: verdict.interruptions,
        timings: timings(&invocation, ending, accept_commit, now),
        reply: reply.filter(|_| verdict.status.is_final()).cloned(),
        // The log of a batch is kept once, with its first event.
        logs: if index == 0 { ending.logs.clone() } else { Vec::new() },
        emits: match (verdict.status, reply) {
            (Status::Succeeded, Some(reply)) => emits::of(shared, function, &invocation, reply),
            _ => Vec::new(),
        },
        state: ending.state.clone().filter(|_| verdict.status == Status::Succeeded),
        results: if verdict.status.is_final() { ending.results.clone() } else { Vec::new() },
        attempt,
    };
    if ending.has_begun {
        function.metrics.attempt_ended(outcome, ending.call / u32::try_from(of).unwrap_or(1).max(1));
    }
    store(shared, function, settlement).await;
    drop(permit);
}

/// Stores a settlement, however long the store refuses, unless the lease is lost or the server stops.
async fn store(shared: &Arc<Shared>, function: &Arc<Function>, mut settlement: Settlement) {
    let (id, status, available_at) = (settlement.lease.id, settlement.status, settlement.available_at);
    let mut wait = SETTLE_BACKOFF;
    loop {
        match shared.ports.store.settle(settlement.clone()).await {
            Ok(settled) => {
                emits::announce(shared, &settlement.emits);
                if status == Status::Queued {
                    function.add_queued(1);
                    shared.due_alarm.at(available_at);
                } else {
                    shared.waiters.ended(id);
                }
                if settled.unblocked {
                    function.nudge();
                }
                return;
            }
            Err(StoreError::NotFound) if emits::drop_deleted(shared, &mut settlement.emits).await => {}
            Err(StoreError::Stale | StoreError::NotFound) => {
                tracing::info!(invocation = %id, "an attempt ended after its lease was lost; its result is dropped");
                return;
            }
            Err(error) => {
                tracing::error!(invocation = %id, %error, "a result cannot be stored yet");
                tokio::select! {
                    biased;
                    () = shared.abort.cancelled() => return,
                    () = tokio::time::sleep(wait) => wait = (wait * 2).min(SETTLE_BACKOFF_MAX),
                }
            }
        }
    }
}

fn timings(invocation: &Invocation, ending: &Ending, accept_commit: Duration, now: Timestamp) -> Timings {
    let total = micros(now.since(invocation.received_at));
    let received_us = invocation.timings.received_us.min(total);
    let call = micros(ending.call).min(total - received_us);
    let user_code_us = micros(ending.user_code).min(call);
    let commit_us = micros(accept_commit).min(total - received_us - call);
    let waited = total - received_us - call - commit_us;
    let cold_start_us = micros(ending.cold_start).min(waited);
    Timings {
        received_us,
        queued_us: waited - cold_start_us,
        cold_start_us,
        user_code_us,
        transfer_us: call - user_code_us,
        commit_us,
    }
}
