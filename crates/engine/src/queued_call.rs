//! Synchronous calls of functions with state: through the queue, like all their executions, so that one transaction has the
//! state, the messages and the response.
//!
//! The caller waits for the only attempt. A call whose turn does not come within the time that calls wait for a worker is taken
//! out of the queue again: nothing of it has happened then. Once it has begun the caller waits for as long as it runs; should
//! the node that runs it be lost, another attempt is the same call.

use std::{sync::Arc, time::Duration};

use tidemill_core::{
    Event, InvocationId, Timestamp,
    invocation::{AttemptOutcome, Invocation, LogLevel, LogLine, Status},
    limits::LOG_ATTEMPT_LINES_MAX,
    ports::{CancelResult, LaunchError, LogFilter, StoreError},
};
use tokio::time::Instant;

use crate::{
    attempt::error_reply,
    call::status_of,
    error::{CallError, SubmitError},
    function::Function,
    leases,
    request::{Called, SubmitOptions},
    shared::Shared,
    submit,
};

/// The store is looked at this often even when nobody says that the call has ended.
const LOOK: Duration = Duration::from_secs(1);
/// A call that may not wait for a busy worker has this long to reach a free one.
const PATIENCE_MIN: Duration = Duration::from_millis(100);

/// Why a call is given up before it has begun.
enum GiveUp {
    Late(Duration),
    Paused,
    Stopping,
}

/// Calls a function that has state and waits for its response.
pub(crate) async fn call(
    shared: &Arc<Shared>,
    function: &Arc<Function>,
    event: Event,
    received_at: Timestamp,
) -> Result<Called, CallError> {
    if function.is_paused() {
        return Err(CallError::Paused(function.reference.clone()));
    }
    if let Some(error) = function.current.load().pool.hopeless() {
        return Err(launch(function, &error));
    }
    let id = shared.new_id();
    let _calling = shared.calls.enter(id);
    let options = SubmitOptions { received_at: Some(received_at), ..SubmitOptions::default() };
    let submitted = submit::submit_as(shared, function, vec![(id, event)], options).await;
    submitted.map_err(|error| refused(function, error))?;
    let outcome = wait(shared, function, id).await;
    shared.waiters.tidy(id);
    let invocation = outcome?;
    called(shared, function, invocation).await
}

/// Waits until the invocation has ended, or gives it up.
async fn wait(shared: &Arc<Shared>, function: &Arc<Function>, id: InvocationId) -> Result<Invocation, CallError> {
    let patience = patience(function);
    let mut idle_since = Instant::now();
    loop {
        let ended = shared.waiters.register(id);
        match shared.ports.store.invocation(id).await {
            Ok(detail) if detail.invocation.status.is_final() => return Ok(detail.invocation),
            Ok(_) => {}
            Err(StoreError::NotFound) => return Err(gone(function)),
            // It may pass, and the call goes on meanwhile.
            Err(error) => tracing::warn!(invocation = %id, %error, "whether a call has ended cannot be seen yet"),
        }
        let has_begun = has_begun(shared, id);
        if has_begun {
            idle_since = Instant::now();
        }
        let waited = idle_since.elapsed();
        let reason = match has_begun {
            true => None,
            false if shared.is_stopping() => Some(GiveUp::Stopping),
            false if function.is_paused() => Some(GiveUp::Paused),
            false if waited >= patience => Some(GiveUp::Late(waited)),
            false => None,
        };
        if let Some(reason) = reason {
            return give_up(shared, function, id, reason).await;
        }
        let look = if has_begun { LOOK } else { LOOK.min(patience - waited) };
        tokio::select! {
            biased;
            _ = ended => {}
            () = shared.grace_over.cancelled() => return Err(CallError::Stopping),
            () = tokio::time::sleep(look) => {}
        }
    }
}

/// How long the call waits until it begins.
fn patience(function: &Function) -> Duration {
    let current = function.current.load();
    match current.spec.worker_availability_timeout() {
        // One that may not wait still waits for the first worker.
        Duration::ZERO if current.pool.is_empty() => current.spec.readiness_timeout,
        patience => patience.max(PATIENCE_MIN),
    }
}

/// Whether a worker has it.
fn has_begun(shared: &Shared, id: InvocationId) -> bool {
    shared.running.lock().get(&id).is_some_and(|attempt| attempt.worker.is_some())
}

/// Takes the call out of the queue. Should it have ended at this very moment, that is its outcome.
async fn give_up(
    shared: &Arc<Shared>,
    function: &Arc<Function>,
    id: InvocationId,
    reason: GiveUp,
) -> Result<Invocation, CallError> {
    let store = &shared.ports.store;
    match store.cancel(id, shared.now()).await {
        Ok(CancelResult::Cancelled) => {
            function.sub_queued(1);
            function.nudge();
        }
        Ok(CancelResult::Requested) => {
            let lease = shared.running.lock().get(&id).map(|attempt| attempt.lease);
            let ended = shared.waiters.register(id);
            if let Some(lease) = lease {
                leases::end(shared, lease);
            }
            // Whoever holds it lets go of it at once.
            let _ = tokio::time::timeout(LOOK, ended).await;
        }
        // It has ended.
        Err(StoreError::Conflict(_)) => {}
        Err(StoreError::NotFound) => return Err(gone(function)),
        Err(source) => return Err(stored(function, source)),
    }
    match store.invocation(id).await {
        Ok(detail) if detail.invocation.status.is_final() && detail.invocation.status != Status::Cancelled => {
            Ok(detail.invocation)
        }
        Err(StoreError::NotFound) => Err(gone(function)),
        Ok(_) => Err(match reason {
            GiveUp::Stopping => CallError::Stopping,
            GiveUp::Paused => CallError::Paused(function.reference.clone()),
            GiveUp::Late(waited) => late(function, waited),
        }),
        Err(source) => Err(stored(function, source)),
    }
}

/// What a call that has ended gives its caller.
async fn called(shared: &Shared, function: &Function, invocation: Invocation) -> Result<Called, CallError> {
    let id = invocation.id;
    let limit = u32::try_from(LOG_ATTEMPT_LINES_MAX).unwrap_or(u32::MAX);
    let filter = LogFilter { invocation: Some(id), limit, ..LogFilter::default() };
    let (reply, logs) = tokio::join!(shared.ports.store.reply(id), shared.ports.store.logs(filter));
    let logs = logs.map_err(|source| stored(function, source))?;
    let logs: Vec<LogLine> = logs.into_iter().map(|logged| logged.line).collect();
    let outcome = invocation.outcome.unwrap_or(AttemptOutcome::Interrupted);
    let succeeded = invocation.status == Status::Succeeded;
    if !succeeded && outcome == AttemptOutcome::LaunchFailed {
        // Its log ends with the rest of why no worker started.
        let rest = logs.last().filter(|line| line.level == LogLevel::Error).map(|line| line.message.as_str());
        let reason = [Some(invocation.reason.as_str()), rest].into_iter().flatten().collect::<Vec<_>>().join("\n");
        return Err(launch(function, &LaunchError { reason, logs: Vec::new() }));
    }
    let reply = reply.map_err(|source| stored(function, source))?.unwrap_or_else(|| {
        let status = if succeeded { 200 } else { status_of(outcome) };
        error_reply(status, &invocation.reason)
    });
    Ok(Called { id, reply, succeeded, logs, timings: invocation.timings })
}

/// The call is not in the store any more: somebody purged the queue, or deleted the function.
fn gone(function: &Function) -> CallError {
    match function.stop.is_cancelled() {
        true => CallError::NoFunction(function.reference.clone()),
        false => CallError::Removed(function.reference.clone()),
    }
}

fn late(function: &Function, waited: Duration) -> CallError {
    function.metrics.refused();
    match function.current.load().pool.hopeless() {
        Some(error) => launch(function, &error),
        None => CallError::NoWorker { function: function.reference.clone(), waited },
    }
}

fn launch(function: &Function, error: &LaunchError) -> CallError {
    CallError::Launch { function: function.reference.clone(), reason: error.clone().said_once().reason }
}

fn stored(function: &Function, source: StoreError) -> CallError {
    CallError::Store { function: function.reference.clone(), source }
}

fn refused(function: &Function, error: SubmitError) -> CallError {
    match error {
        SubmitError::NoFunction(function) => CallError::NoFunction(function),
        SubmitError::QueueFull { function, .. } => CallError::NoWorker { function, waited: Duration::ZERO },
        SubmitError::Stopping => CallError::Stopping,
        SubmitError::Store(source) => stored(function, source),
    }
}
