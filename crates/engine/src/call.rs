//! Synchronous calls: straight to a free worker. Nothing on this way waits for the store, unless the response makes events
//! for other functions, or the configs of the function were changed since its last call: they are read anew then, before a worker
//! is taken. A function with state is called through its queue, see [`queued_call`].

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tidemill_core::{
    Event, FunctionState, InvocationId, Timestamp,
    id::Generation,
    invocation::{Attempt, AttemptOutcome, Invocation, Status, Timings},
    limits::INLINE_BODY_BYTES_MAX,
    ports::{Call, HistoryRecord, LaunchError, NewInvocation, StoreError},
    spec::{History, StateScope},
    time::micros,
};
use tokio::time::Instant;

use crate::{
    attempt::{Ending, FAILED_FROM, error_reply},
    emits,
    error::CallError,
    function::{Current, Function},
    notices,
    pool::{AcquireError, Slot},
    queued_call,
    request::Called,
    shared::Shared,
    shield::Shield,
};

/// A call whose worker was lost through no fault of its own is tried so often in all.
const TRIES: u32 = 10;

/// Calls a function and waits for its response. Once begun, the call goes on even when the caller goes away.
pub(crate) async fn call(
    shared: &Arc<Shared>,
    function: &Arc<Function>,
    event: Event,
    received_at: Timestamp,
) -> Result<Called, CallError> {
    // In the caller's own task as long as there is one: a task for each call costs more than a short call does.
    Shield::new(run(shared.clone(), function.clone(), event, received_at), &shared.tasks).await
}

async fn run(
    shared: Arc<Shared>,
    function: Arc<Function>,
    mut event: Event,
    received_at: Timestamp,
) -> Result<Called, CallError> {
    if function.current.load().spec.state != StateScope::None {
        // In a box, so that calls of other functions are not as large.
        return Box::pin(queued_call::call(&shared, &function, event, received_at)).await;
    }
    let id = shared.new_id();
    if event.id.is_empty() {
        event.id = id.to_string();
    }
    let began_at = shared.now();
    let began = Instant::now();
    let mut call = Call::single(id, 0, event);
    let mut former = None;
    let mut refused = None;
    let (current, mut ending, queued) = loop {
        call.attempt += 1;
        // Read before a slot is held: they are kept, but after a change the store has to be asked once.
        call.configs = configs(&shared, &function).await?;
        let (slot, current) = match (acquire(&shared, &function).await, former.take()) {
            (Ok(acquired), _) => acquired,
            (Err(error), None) => return Err(error),
            // It began, was cut off and cannot begin again: the history has it.
            (Err(error), Some(former)) => {
                refused = Some(error);
                break former;
            }
        };
        let queued = began.elapsed();
        call.is_batch = current.spec.batch().is_some();
        call.timeout = current.spec.event_timeout;
        call.room_wait = Some(current.spec.worker_availability_timeout().saturating_sub(queued));
        call.key = current.spec.line(&call.events[0]);
        let started_at = shared.now();
        let called = Instant::now();
        let end = slot.call(&call).await;
        let ending = Ending {
            call: called.elapsed(),
            cold_start: slot.cold_start,
            worker: slot.worker().id().to_string(),
            revision: Some(current.revision),
            started_at,
            ..Ending::of_call(end, 1)
        };
        drop(slot);
        if ending.outcome != AttemptOutcome::Interrupted || call.attempt >= TRIES || shared.abort.is_cancelled() {
            break (current, ending, queued);
        }
        former = Some((current, ending, queued));
    };
    let whole = began.elapsed();
    let event = call.events.pop().map(Arc::unwrap_or_clone).unwrap_or_default();
    let messages = messages(&shared, &function, (id, &event.caller), &mut ending).await;
    function.metrics.attempt_ended(ending.outcome, ending.call);
    let invocation = finished(&function, id, event, received_at, began_at, &ending, queued, whole);
    let called = conclude(&shared, &function, &current, invocation, ending, messages).await;
    refused.map_or(called, Err)
}

/// The messages that a successful call sent. One to nobody spoils its response.
async fn messages(
    shared: &Shared,
    function: &Function,
    sender: (InvocationId, &str),
    ending: &mut Ending,
) -> Vec<NewInvocation> {
    let sends = std::mem::take(&mut ending.sends);
    if sends.is_empty() || ending.carrier().is_none() {
        return Vec::new();
    }
    match emits::messages(shared, function, sender, sends).await {
        Ok(messages) => messages,
        Err(fault) => {
            ending.spoil(fault);
            Vec::new()
        }
    }
}

async fn configs(shared: &Shared, function: &Function) -> Result<Arc<BTreeMap<String, String>>, CallError> {
    shared.directory.configs_for(&function.reference).await.map_err(|error| {
        let source = StoreError::Failed(error.to_string());
        CallError::Store { function: function.reference.clone(), source }
    })
}

/// A slot of the revision that serves, within the time its http trigger allows.
async fn acquire(shared: &Shared, function: &Arc<Function>) -> Result<(Slot, Arc<Current>), CallError> {
    let reference = || function.reference.clone();
    let began = Instant::now();
    loop {
        if function.stop.is_cancelled() {
            return Err(CallError::NoFunction(reference()));
        }
        let current = function.current.load_full();
        if current.desired == FunctionState::Paused {
            return Err(CallError::Paused(reference()));
        }
        let waits = current.spec.worker_availability_timeout();
        let left = waits.saturating_sub(began.elapsed());
        let acquired = tokio::select! {
            biased;
            acquired = current.pool.acquire(Some(left)) => acquired,
            () = function.paused() => return Err(CallError::Paused(reference())),
        };
        match acquired {
            Ok(slot) => return Ok((slot, current)),
            Err(AcquireError::Closed) if shared.is_stopping() => return Err(CallError::Stopping),
            // A newer revision serves now.
            Err(AcquireError::Closed) => tokio::task::yield_now().await,
            Err(AcquireError::Busy) => {
                function.metrics.refused();
                // One that may not wait still waits for the first worker.
                let waits_max = if waits.is_zero() { Duration::MAX } else { waits };
                let waited = began.elapsed().min(waits_max);
                return Err(CallError::NoWorker { function: reference(), waited });
            }
            Err(AcquireError::Launch(error)) => {
                let reason = LaunchError::clone(&error).said_once().reason;
                return Err(CallError::Launch { function: reference(), reason });
            }
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "these are the measured parts of one call, each once")]
fn finished(
    function: &Function,
    id: InvocationId,
    event: Event,
    received_at: Timestamp,
    began_at: Timestamp,
    ending: &Ending,
    queued: Duration,
    whole: Duration,
) -> Invocation {
    let cold_start_us = micros(ending.cold_start.min(queued));
    let user_code_us = micros(ending.user_code.min(ending.call));
    let timings = Timings {
        received_us: micros(began_at.since(received_at)),
        queued_us: micros(queued) - cold_start_us,
        cold_start_us,
        user_code_us,
        transfer_us: micros(whole.saturating_sub(queued)).saturating_sub(user_code_us),
        commit_us: 0,
    };
    let reply = ending.replies.first();
    let has_failed =
        ending.outcome != AttemptOutcome::Succeeded || reply.is_some_and(|reply| reply.status >= FAILED_FROM);
    Invocation {
        id,
        function: function.reference.clone(),
        status: if has_failed { Status::Failed } else { Status::Succeeded },
        event_size: event.body.len() as u64,
        event,
        key: None,
        idempotency_key: None,
        parent: None,
        attempts: 1,
        failures: u32::from(has_failed),
        interruptions: 0,
        generation: Generation(1),
        received_at,
        available_at: received_at,
        started_at: Some(ending.started_at),
        finished_at: Some(received_at + Duration::from_micros(timings.total_us())),
        outcome: Some(ending.outcome),
        reason: ending.reason.clone(),
        response_status: reply.map(|reply| reply.status),
        timings,
    }
}

/// Hands the response to its subscribers, writes the history and answers the caller.
async fn conclude(
    shared: &Arc<Shared>,
    function: &Arc<Function>,
    current: &Current,
    mut invocation: Invocation,
    ending: Ending,
    messages: Vec<NewInvocation>,
) -> Result<Called, CallError> {
    let Ending { outcome, reason, replies, logs, report, started_at, worker, revision, .. } = ending;
    let reply = replies.into_iter().next().unwrap_or_else(|| error_reply(status_of(outcome), &reason));
    let succeeded = invocation.status == Status::Succeeded;
    let mut emits = messages;
    if succeeded {
        emits.extend(emits::of(shared, function, &invocation, &reply));
    }
    emits.extend(notices::ended(shared, &current.spec, &invocation, invocation.status, report.as_ref()));
    if !emits.is_empty() {
        let began = Instant::now();
        let stored = emits::store(shared, emits).await;
        let commit = began.elapsed();
        invocation.timings.commit_us = micros(commit);
        invocation.finished_at = invocation.finished_at.map(|at| at + commit);
        match stored {
            Err(source) if succeeded => return Err(CallError::Emit { function: function.reference.clone(), source }),
            Err(error) => tracing::warn!(invocation = %invocation.id, %error, "nobody was told that it failed"),
            Ok(()) => {}
        }
    }
    let (id, timings) = (invocation.id, invocation.timings);
    let is_interesting = !succeeded || !logs.is_empty();
    let is_kept = match current.spec.history {
        History::None => false,
        History::Failed => !succeeded,
        History::All => true,
    };
    if is_kept && (is_interesting || shared.history.has_room()) {
        let attempt = Attempt {
            number: 1,
            revision,
            worker,
            started_at,
            finished_at: invocation.finished_at.unwrap_or(started_at),
            outcome,
            reason,
            report,
        };
        let fits = |length: usize| length <= INLINE_BODY_BYTES_MAX;
        // The body of a failed call is kept so that it can be retried; large ones are not worth their room.
        if succeeded || !fits(invocation.event.body.len()) {
            invocation.event.body = bytes::Bytes::new();
        }
        let kept_reply = fits(reply.body.len()).then(|| reply.clone());
        let record = HistoryRecord { invocation, attempt, reply: kept_reply, logs: logs.clone() };
        shared.history.push(record, is_interesting);
    } else if is_kept {
        shared.history.skip();
    }
    Ok(Called { id, reply, succeeded, logs, timings })
}

/// The HTTP status for a call that broke. 408 for a timeout is Nuclio's.
pub(crate) fn status_of(outcome: AttemptOutcome) -> u16 {
    match outcome {
        AttemptOutcome::TimedOut => 408,
        AttemptOutcome::Interrupted | AttemptOutcome::Cancelled | AttemptOutcome::LaunchFailed => 503,
        AttemptOutcome::Succeeded
        | AttemptOutcome::Raised
        | AttemptOutcome::Crashed
        | AttemptOutcome::OutOfMemory
        | AttemptOutcome::BadResponse => 500,
    }
}
