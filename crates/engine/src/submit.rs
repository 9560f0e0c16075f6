//! Accepting events: on disk before anybody is told so.
//!
//! An event accepted while its function has a free slot is stored already leased and handed straight to a worker, which
//! saves the claim. Everything else is queued and the pump is nudged.

use std::sync::Arc;

use tidemill_core::{
    Event, FunctionState, InvocationId, ProjectName, Timestamp, TopicName,
    id::Generation,
    invocation::{Invocation, Status, Timings},
    limits::LEASE,
    ports::{LeaseGrant, NewInvocation, Submitted},
    spec::{FunctionSpec, MessageSource, StateScope},
    time::micros,
};
use tokio::time::Instant;

use crate::{
    attempt::{self, Held},
    emits::message_label,
    error::SubmitError,
    function::{Function, Permit},
    request::{Receipt, SubmitOptions},
    shared::Shared,
};

/// The line that an event of a function stands in, when it was given `key` on its way. A function with one state has one
/// line.
pub(crate) fn line(spec: &FunctionSpec, key: Option<String>, event: &Event) -> Option<String> {
    match (spec.state, key) {
        (StateScope::Function, _) | (_, None) => spec.line(event),
        (StateScope::None | StateScope::Key, key) => key,
    }
}

/// See [`crate::Engine::submit_all`].
pub(crate) async fn submit(
    shared: &Arc<Shared>,
    function: &Arc<Function>,
    events: Vec<Event>,
    options: SubmitOptions,
) -> Result<Vec<Receipt>, SubmitError> {
    let events = events.into_iter().map(|event| (shared.new_id(), event)).collect();
    submit_as(shared, function, events, options).await
}

/// Accepts events as the invocations with these ids.
pub(crate) async fn submit_as(
    shared: &Arc<Shared>,
    function: &Arc<Function>,
    events: Vec<(InvocationId, Event)>,
    options: SubmitOptions,
) -> Result<Vec<Receipt>, SubmitError> {
    admit(shared, function, events.len())?;
    let current = function.current.load_full();
    let now = shared.now();
    let received_at = options.received_at.unwrap_or(now);
    let available_at = options.available_at.unwrap_or(now);
    let is_now = available_at <= now && current.desired == FunctionState::Active && current.spec.batch().is_none();
    let mut permits: Vec<Permit> = if is_now && function.queued() == 0 && current.pool.has_free_slot() {
        function.enter(u32::try_from(events.len()).unwrap_or(u32::MAX), &current)
    } else {
        Vec::new()
    };
    let leased = permits.len();
    let lease = LeaseGrant { owner: shared.config.node.clone(), until: now + LEASE };
    let received_us = micros(now.since(received_at));
    let new: Vec<NewInvocation> = events
        .into_iter()
        .enumerate()
        .map(|(index, (id, mut event))| {
            if event.id.is_empty() {
                event.id = id.to_string();
            }
            NewInvocation {
                id,
                function: function.reference.clone(),
                key: line(&current.spec, options.key.clone(), &event),
                event,
                idempotency_key: options.idempotency_key.clone(),
                parent: None,
                received_at,
                available_at,
                received_us,
                lease: (index < leased).then(|| lease.clone()),
            }
        })
        .collect();
    let mut held: Vec<Invocation> = new.iter().take(leased).map(|new| leased_invocation(new, now)).collect();
    let began = Instant::now();
    let submitted = shared.ports.store.submit(new).await?;
    let accept_commit = began.elapsed();

    let mut receipts = Vec::with_capacity(submitted.len());
    let mut queued = 0;
    // From the back, so that permits and invocations are taken from the ends of their lists.
    for submitted in submitted.into_iter().rev() {
        match submitted {
            Submitted::Duplicate(id) => receipts.push(Receipt { id, is_duplicate: true }),
            Submitted::Accepted(accepted) => {
                receipts.push(Receipt { id: accepted.id, is_duplicate: false });
                let is_held = held.last().is_some_and(|last| last.id == accepted.id);
                let pair = if is_held { held.pop().zip(permits.pop()) } else { None };
                match pair {
                    Some((invocation, permit)) if accepted.leased => {
                        let one = Held { invocation, accept_commit, permit };
                        shared.tasks.spawn(attempt::run(shared.clone(), function.clone(), vec![one], false));
                    }
                    _ => queued += 1,
                }
            }
        }
    }
    receipts.reverse();
    if queued > 0 {
        function.add_queued(queued);
        if available_at > now { shared.due_alarm.at(available_at) } else { function.nudge() }
    }
    function.metrics.accepted(receipts.len());
    Ok(receipts)
}

/// See [`crate::Engine::publish`].
pub(crate) async fn publish(
    shared: &Arc<Shared>,
    project: &ProjectName,
    topic: &TopicName,
    events: Vec<Event>,
    received_at: Timestamp,
) -> Result<Vec<InvocationId>, SubmitError> {
    let routes = shared.routes.load_full();
    let subscriptions = routes.subscribers(project, &MessageSource::Topic(topic.clone()));
    for subscription in subscriptions {
        admit(shared, &subscription.function, events.len())?;
    }
    let now = shared.now();
    let received_us = micros(now.since(received_at));
    let mut new = Vec::with_capacity(events.len() * subscriptions.len());
    for event in events {
        for subscription in subscriptions {
            let id = shared.new_id();
            let mut event = event.clone();
            event.trigger = message_label(subscription.trigger.as_str());
            if event.id.is_empty() {
                event.id = id.to_string();
            }
            let key = subscription.function.current.load().spec.line(&event);
            new.push(NewInvocation {
                id,
                function: subscription.function.reference.clone(),
                event,
                key,
                idempotency_key: None,
                parent: None,
                received_at,
                available_at: now,
                received_us,
                lease: None,
            });
        }
    }
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let per_subscriber = (new.len() / subscriptions.len()) as u64;
    let ids = new.iter().map(|new| new.id).collect();
    shared.ports.store.submit(new).await?;
    for subscription in subscriptions {
        subscription.function.add_queued(per_subscriber);
        subscription.function.nudge();
    }
    Ok(ids)
}

fn admit(shared: &Shared, function: &Function, count: usize) -> Result<(), SubmitError> {
    if shared.is_stopping() {
        return Err(SubmitError::Stopping);
    }
    if function.stop.is_cancelled() {
        return Err(SubmitError::NoFunction(function.reference.clone()));
    }
    let pending = function.pending();
    let max = function.current.load().spec.queue.pending_max;
    if pending.saturating_add(count as u64) > max {
        function.metrics.refused();
        return Err(SubmitError::QueueFull { function: function.reference.clone(), pending });
    }
    Ok(())
}

/// What the store will say of an invocation that it accepts under a lease.
fn leased_invocation(new: &NewInvocation, now: Timestamp) -> Invocation {
    Invocation {
        id: new.id,
        function: new.function.clone(),
        status: Status::Running,
        event: new.event.clone(),
        event_size: new.event.body.len() as u64,
        key: new.key.clone(),
        idempotency_key: new.idempotency_key.clone(),
        parent: new.parent,
        attempts: 1,
        failures: 0,
        interruptions: 0,
        generation: Generation(1),
        received_at: new.received_at,
        available_at: new.available_at,
        started_at: Some(now),
        finished_at: None,
        outcome: None,
        reason: String::new(),
        response_status: None,
        timings: Timings { received_us: new.received_us, ..Timings::default() },
    }
}
