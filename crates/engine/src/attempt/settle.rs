//! The end of an attempt: what becomes of its invocation, stored with all its effects in one transaction.

use std::{sync::Arc, time::Duration};

use tidemill_core::{
    Timestamp,
    invocation::{Attempt, AttemptOutcome, Invocation, Reply, Status, Timings},
    ports::{LeaseRef, NewInvocation, Settlement, StoreError},
    retry::{self, RetryPolicy, Verdict},
    spec::{Completion, FunctionSpec, StateScope},
    time::micros,
};

use super::{
    Held,
    ending::{Ending, FAILED_FROM},
};
use crate::{
    emits,
    function::{Current, Function},
    notices,
    shared::Shared,
};

/// The first wait when the store refuses a settlement; doubles up to [`SETTLE_BACKOFF_MAX`].
const SETTLE_BACKOFF: Duration = Duration::from_millis(100);
/// The longest such wait.
const SETTLE_BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Which of the events of a call it is about.
#[derive(Clone, Copy)]
pub(super) struct Share {
    pub index: usize,
    pub of: usize,
}

/// Settles one invocation of a call.
pub(super) async fn settle(
    shared: &Arc<Shared>,
    function: &Arc<Function>,
    held: Held,
    ending: &Ending,
    messages: &[NewInvocation],
    share: Share,
) {
    let Held { invocation, accept_commit, permit } = held;
    let now = shared.now();
    let lease = LeaseRef { id: invocation.id, generation: invocation.generation };
    let (outcome, reason, reply) = outcome(shared, lease, ending, share.index);
    let current = function.current.load_full();
    let verdict = verdict(shared, &current.spec, &invocation, ending, outcome, now);
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
    // What the call did as a whole is kept once.
    let is_first = share.index == 0;
    let counts = outcome == AttemptOutcome::Succeeded && verdict.status == Status::Succeeded;
    let is_carrier = counts && ending.carrier() == Some(share.index);
    let has_state = current.spec.state != StateScope::None;
    let settlement = Settlement {
        lease,
        status: verdict.status,
        available_at: verdict.available_at,
        failures: verdict.failures,
        interruptions: verdict.interruptions,
        timings: timings(&invocation, ending, accept_commit, now),
        reply: reply.filter(|_| verdict.status.is_final()).cloned(),
        logs: if is_first { ending.logs.clone() } else { Vec::new() },
        emits: emits(shared, function, &current, &invocation, &attempt, verdict.status, reply)
            .chain(if is_carrier { messages.to_vec() } else { Vec::new() })
            .collect(),
        state: ending.state.clone().filter(|_| is_carrier && has_state),
        results: if is_first && verdict.status.is_final() { ending.results.clone() } else { Vec::new() },
        attempt,
    };
    if ending.has_begun {
        let part = u32::try_from(share.of).unwrap_or(1).max(1);
        function.metrics.attempt_ended(outcome, ending.call / part);
    }
    store(shared, function, settlement).await;
    drop(permit);
}

/// How the attempt ended for the event at `index`, why, and its reply.
fn outcome<'a>(
    shared: &Shared,
    lease: LeaseRef,
    ending: &'a Ending,
    index: usize,
) -> (AttemptOutcome, String, Option<&'a Reply>) {
    let outcome = ending.outcome;
    // The error of a call that failed as a whole is everybody's.
    let reply = if outcome == AttemptOutcome::Succeeded { ending.replies.get(index) } else { ending.replies.first() };
    if outcome == AttemptOutcome::Cancelled && !shared.is_unwanted(lease) {
        let reason = "another event of its batch was cancelled".to_owned();
        return (AttemptOutcome::Interrupted, reason, reply);
    }
    match reply {
        Some(failed) if outcome == AttemptOutcome::Succeeded && failed.status >= FAILED_FROM => {
            (AttemptOutcome::Raised, format!("the function responded with status {}", failed.status), reply)
        }
        _ => (outcome, ending.reason.clone(), reply),
    }
}

/// What becomes of the invocation.
fn verdict(
    shared: &Shared,
    spec: &FunctionSpec,
    invocation: &Invocation,
    ending: &Ending,
    outcome: AttemptOutcome,
    now: Timestamp,
) -> Verdict {
    let (failures, interruptions) = (invocation.failures, invocation.interruptions);
    let mut verdict = if outcome == AttemptOutcome::Interrupted && !ending.has_begun {
        retry::given_back(failures, interruptions, invocation.available_at)
    } else {
        let is_call = shared.calls.contains(invocation.id);
        let policy = if is_call { RetryPolicy { max_attempts: 1, ..spec.retry } } else { spec.retry };
        let completion = if ending.has_begun { spec.completion } else { Completion::Success };
        let chance = shared.ports.rng.chance();
        let verdict = retry::after_attempt(&policy, completion, outcome, failures, interruptions, now, chance);
        match verdict.status {
            // Whoever called waits for it: nobody has to look after it.
            Status::DeadLettered if is_call => Verdict { status: Status::Failed, ..verdict },
            _ => verdict,
        }
    };
    if !ending.rest.is_zero() {
        verdict.available_at = verdict.available_at.max(now + ending.rest);
    }
    verdict
}

/// What others get to know of it: the response those who subscribe, the end those to be notified.
fn emits(
    shared: &Shared,
    function: &Function,
    current: &Current,
    invocation: &Invocation,
    attempt: &Attempt,
    status: Status,
    reply: Option<&Reply>,
) -> impl Iterator<Item = NewInvocation> {
    let responses = match (status, reply) {
        (Status::Succeeded, Some(reply)) => emits::of(shared, function, invocation, reply),
        _ => Vec::new(),
    };
    let notices = match status.is_final() {
        true => notices::ended(shared, &current.spec, invocation, status, attempt.report.as_ref()),
        false => Vec::new(),
    };
    responses.into_iter().chain(notices)
}

/// Stores a settlement, however long the store refuses, unless the lease is lost or the server stops.
async fn store(shared: &Arc<Shared>, function: &Arc<Function>, mut settlement: Settlement) {
    let (id, status, available_at) = (settlement.lease.id, settlement.status, settlement.available_at);
    let mut wait = SETTLE_BACKOFF;
    loop {
        let mut settled = shared.ports.store.settle(settlement.clone()).await;
        if matches!(settled, Err(StoreError::NotFound)) {
            // The invocation may be gone, or somebody that it tells.
            match emits::drop_deleted(shared, &mut settlement.emits).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => settled = Err(error),
            }
        }
        match settled {
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
