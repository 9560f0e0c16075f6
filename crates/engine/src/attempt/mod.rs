//! One attempt of a queued invocation (or of a batch of them), from its lease to its settlement.
//!
//! An execution with state takes its turn in the function's [`Turns`](crate::turns::Turns) first, which it leaves when it is
//! settled; then it gets a slot; only then are body and state read. So it sees all that was settled before it, and nobody
//! else works on that state meanwhile.

mod ending;
mod settle;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tidemill_core::{
    invocation::{AttemptOutcome, Invocation},
    ports::{Call, LeaseRef, NewInvocation, StoreError},
    spec::{FunctionSpec, StateScope},
};
use tokio::{sync::OwnedMutexGuard, time::Instant};
use tokio_util::sync::CancellationToken;

pub(crate) use self::ending::{Ending, FAILED_FROM, error_reply};
use self::settle::Share;
use crate::{
    emits,
    function::{Current, Function, Permit},
    notices,
    pool::{AcquireError, Slot},
    shared::{RunningAttempt, Shared},
};

/// The wait after something of ours that an attempt needs could not be read: no fault of the function, and perhaps one
/// that passes.
const UNREADABLE: Duration = Duration::from_secs(5);

/// An invocation under a lease of this node.
pub(crate) struct Held {
    pub invocation: Invocation,
    /// Time of the accepting commit, for invocations handed over directly.
    pub accept_commit: Duration,
    pub permit: Permit,
}

impl Held {
    fn lease(&self) -> LeaseRef {
        LeaseRef { id: self.invocation.id, generation: self.invocation.generation }
    }
}

/// What an attempt needs to begin.
struct Begin {
    slot: Slot,
    current: Arc<Current>,
    /// Its turn in the line, for a function with state.
    turn: Option<OwnedMutexGuard<()>>,
}

/// Runs invocations held under leases in one call, and settles each.
pub(crate) async fn run(shared: Arc<Shared>, function: Arc<Function>, held: Vec<Held>, is_batch: bool) {
    let cancelled = CancellationToken::new();
    for one in &held {
        let attempt =
            RunningAttempt { lease: one.lease(), cancelled: cancelled.clone(), is_unwanted: false, worker: None };
        shared.running.lock().insert(one.invocation.id, attempt);
    }
    let mut held = held;
    let mut turn = None;
    let mut ending = attempt(&shared, &function, &mut held, is_batch, &cancelled, &mut turn).await;
    let messages = messages(&shared, &function, &held, &mut ending).await;
    let of = held.len();
    // At once, so that they share a commit.
    let settlements = held.into_iter().enumerate().map(|(index, one)| {
        let (shared, function, ending, messages) = (&shared, &function, &ending, &messages);
        async move {
            let lease = one.lease();
            settle::settle(shared, function, one, ending, messages, Share { index, of }).await;
            shared.forget(lease);
        }
    });
    futures_util::future::join_all(settlements).await;
    drop(turn);
}

/// The messages that the call sent, ready to be stored. One to nobody spoils the response.
async fn messages(shared: &Shared, function: &Function, held: &[Held], ending: &mut Ending) -> Vec<NewInvocation> {
    let sends = std::mem::take(&mut ending.sends);
    let carrier = ending.carrier().filter(|_| !sends.is_empty());
    let Some(carrier) = carrier.and_then(|index| held.get(index)) else { return Vec::new() };
    let invocation = &carrier.invocation;
    match emits::messages(shared, function, (invocation.id, &invocation.event.caller), sends).await {
        Ok(messages) => messages,
        Err(fault) => {
            ending.spoil(fault);
            Vec::new()
        }
    }
}

/// Waits for a slot and calls the worker.
async fn attempt(
    shared: &Arc<Shared>,
    function: &Arc<Function>,
    held: &mut [Held],
    is_batch: bool,
    cancelled: &CancellationToken,
    turn: &mut Option<OwnedMutexGuard<()>>,
) -> Ending {
    let broken = |outcome, reason: &str| Ending::not_begun(outcome, reason.to_owned(), shared.now());
    held.iter_mut().for_each(|one| one.permit.wait());
    let Some(first) = held.first() else { return broken(AttemptOutcome::Interrupted, "nothing to run") };
    let (invocation, number, key) = (first.invocation.id, first.invocation.attempts, first.invocation.key.clone());
    let line = key.as_deref().unwrap_or_default();
    let begin = tokio::select! {
        biased;
        () = cancelled.cancelled() => return broken(AttemptOutcome::Cancelled, "cancelled before it began"),
        () = shared.stop.cancelled() => return broken(AttemptOutcome::Interrupted, "the server stopped before it began"),
        () = function.paused() => return broken(AttemptOutcome::Interrupted, "the function was paused before it began"),
        begin = acquire(function, line) => begin,
    };
    let Begin { slot, current, turn: taken } = match begin {
        Ok(begin) => begin,
        Err((AcquireError::Launch(error), current)) => {
            return Ending::launch_failed(&error, current.revision, shared.now());
        }
        Err((AcquireError::Busy, _)) => {
            return broken(AttemptOutcome::Interrupted, "too many calls wait for a worker");
        }
        Err((AcquireError::Closed, _)) => return broken(AttemptOutcome::Interrupted, "the function was deleted"),
    };
    *turn = taken;
    held.iter_mut().for_each(|one| one.permit.begin());
    let room = shared.large_bodies.take(held.iter().map(|one| one.invocation.event_size).sum()).await;
    let unreadable = |what: &str, error: &dyn std::error::Error| Ending {
        worker: slot.worker().id().to_string(),
        revision: Some(current.revision),
        has_begun: true,
        rest: UNREADABLE,
        ..broken(AttemptOutcome::Interrupted, &format!("{what} could not be read: {error}"))
    };
    if let Err(error) = fetch_bodies(shared, held).await {
        return unreadable("the event's body", &error);
    }
    let state = match state(shared, function, &current.spec, line).await {
        Ok(state) => state,
        Err(error) => return unreadable("the state", &error),
    };
    let configs = match shared.directory.configs_for(&function.reference).await {
        Ok(configs) => configs,
        Err(error) => return unreadable("the configs", &error),
    };
    for one in held.iter() {
        if let Some(running) = shared.running.lock().get_mut(&one.invocation.id) {
            running.worker = Some((slot.worker().clone(), invocation));
        }
    }
    if cancelled.is_cancelled() {
        // Whoever cancelled in between saw no worker to tell.
        return broken(AttemptOutcome::Cancelled, "cancelled before it began");
    }
    let events: Vec<_> = held.iter_mut().map(|one| Arc::new(std::mem::take(&mut one.invocation.event))).collect();
    // What it makes for others is sent in the same name, and belongs to the same chain.
    for (one, event) in held.iter_mut().zip(&events) {
        one.invocation.event.caller.clone_from(&event.caller);
        notices::keep_chain(event, &mut one.invocation.event);
    }
    let count = events.len();
    let started_at = shared.now();
    let began = Instant::now();
    let timeout = current.spec.event_timeout;
    let room_wait = None;
    let call = Call { invocation, attempt: number, events, is_batch, timeout, room_wait, key, state, configs };
    let end = slot.call(&call).await;
    let took = began.elapsed();
    drop((call, room));
    let ending = Ending::of_call(end, count);
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
    line: &str,
) -> Result<Option<Bytes>, StoreError> {
    if spec.state == StateScope::None {
        return Ok(None);
    }
    let record = shared.ports.store.state(&function.reference, line).await?;
    Ok(Some(record.map(|record| record.value).unwrap_or_default()))
}

/// A slot of the revision that serves when one becomes free, and before that its turn when the function has state.
async fn acquire(function: &Arc<Function>, line: &str) -> Result<Begin, (AcquireError, Arc<Current>)> {
    let mut turn = None;
    loop {
        let current = function.current.load_full();
        if turn.is_none() && current.spec.state != StateScope::None {
            turn = Some(function.lines.enter(line.to_owned()).await);
            continue;
        }
        match current.pool.acquire(None).await {
            Ok(slot) => return Ok(Begin { slot, current, turn }),
            // A newer revision serves now.
            Err(AcquireError::Closed) if !function.stop.is_cancelled() => tokio::task::yield_now().await,
            Err(error) => return Err((error, current)),
        }
    }
}
