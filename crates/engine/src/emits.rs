//! The events that an execution makes for other functions: its response for those that subscribe, and the messages that it
//! sent.

use std::sync::Arc;

use tidemill_core::{
    Event, FunctionName, FunctionRef, InvocationId, ProjectName, Timestamp, TriggerLabel,
    invocation::{Invocation, Reply},
    ports::{Message, NewInvocation, StoreError},
    spec::MessageSource,
};

use crate::{function::Function, shared::Shared, submit};

/// The events that a response makes for its subscribers.
pub(crate) fn of(shared: &Shared, function: &Function, invocation: &Invocation, reply: &Reply) -> Vec<NewInvocation> {
    let routes = shared.routes.load();
    let source = MessageSource::Responses(function.reference.name.clone());
    let subscriptions = routes.subscribers(&function.reference.project, &source);
    if subscriptions.is_empty() || reply.status >= 400 {
        return Vec::new();
    }
    let now = shared.now();
    subscriptions
        .iter()
        .map(|subscription| {
            let event = Event {
                id: invocation.id.to_string(),
                source: format!("/f/{}", function.reference),
                kind: "tidemill.response".to_owned(),
                subject: function.reference.to_string(),
                time: now,
                caller: invocation.event.caller.clone(),
                trigger: message_label(subscription.trigger.as_str()),
                method: "POST".to_owned(),
                path: "/".to_owned(),
                query: String::new(),
                headers: reply.headers.clone(),
                content_type: reply.content_type.clone(),
                body: reply.body.clone(),
            };
            let made =
                Made { id: shared.new_id(), event, key: None, parent: Some(invocation.id), now, available_at: now };
            made.for_function(&subscription.function)
        })
        .collect()
}

/// The messages that an execution sent, in the name of `caller`. The error is one line for the author: one of them is to nobody.
pub(crate) async fn messages(
    shared: &Shared,
    function: &Function,
    (invocation, caller): (InvocationId, &str),
    sends: Vec<Message>,
) -> Result<Vec<NewInvocation>, String> {
    let now = shared.now();
    let mut messages = Vec::with_capacity(sends.len());
    for send in sends {
        let target = addressee(shared, &function.reference.project, &send.function).await?;
        let id = shared.new_id();
        let event = Event {
            id: id.to_string(),
            source: format!("/f/{}", function.reference),
            kind: "tidemill.message".to_owned(),
            subject: String::new(),
            time: now,
            caller: caller.to_owned(),
            trigger: message_label("send"),
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            headers: send.headers,
            content_type: send.content_type,
            body: send.body,
        };
        let available_at = now + send.delay;
        let made = Made { id, event, key: send.key, parent: Some(invocation), now, available_at };
        messages.push(made.for_function(&target));
    }
    Ok(messages)
}

/// The function of the project that `name` means: its name, or an alias of it.
async fn addressee(shared: &Shared, project: &ProjectName, name: &str) -> Result<Arc<Function>, String> {
    let find = |name: FunctionName| shared.routes.load().function(&FunctionRef::new(project.clone(), name)).cloned();
    if let Some(function) = name.parse().ok().and_then(find) {
        return Ok(function);
    }
    let alias = shared.directory.alias(project, name).await;
    let alias = alias.map_err(|error| format!("to whom a message to {name} goes could not be looked up: {error}"))?;
    let found = alias.and_then(|alias| find(alias.function));
    found.ok_or_else(|| format!("sent a message to {name}, which is no function of the project"))
}

/// An event made here.
pub(crate) struct Made {
    pub id: InvocationId,
    pub event: Event,
    /// The line that it was given.
    pub key: Option<String>,
    pub parent: Option<InvocationId>,
    pub now: Timestamp,
    pub available_at: Timestamp,
}

impl Made {
    /// For this function, in the line where its settings put it.
    pub fn for_function(self, function: &Function) -> NewInvocation {
        let Made { id, event, key, parent, now, available_at } = self;
        NewInvocation {
            id,
            function: function.reference.clone(),
            key: submit::line(&function.current.load().spec, key, &event),
            event,
            idempotency_key: None,
            parent,
            received_at: now,
            available_at,
            received_us: 0,
            lease: None,
        }
    }
}

/// Takes out the events for functions that were deleted in the meantime. Returns whether there were any: without them the
/// store may take the rest.
///
/// # Errors
/// What the store said: whether there are any is not known then, and nothing is taken out.
pub(crate) async fn drop_deleted(shared: &Shared, emits: &mut Vec<NewInvocation>) -> Result<bool, StoreError> {
    if emits.is_empty() {
        return Ok(false);
    }
    let functions = shared.ports.store.functions().await?;
    let before = emits.len();
    emits.retain(|emit| functions.iter().any(|record| record.function == emit.function));
    Ok(emits.len() < before)
}

/// Tells their functions that these are stored.
pub(crate) fn announce(shared: &Shared, emits: &[NewInvocation]) {
    let routes = shared.routes.load();
    let now = shared.now();
    for emit in emits {
        if let Some(function) = routes.function(&emit.function) {
            function.add_queued(1);
            if emit.available_at > now { shared.due_alarm.at(emit.available_at) } else { function.nudge() }
        }
    }
}

/// Stores events outside of any settlement.
pub(crate) async fn store(shared: &Shared, mut emits: Vec<NewInvocation>) -> Result<(), StoreError> {
    if emits.is_empty() {
        return Ok(());
    }
    let mut stored = shared.ports.store.submit(emits.clone()).await;
    if matches!(stored, Err(StoreError::NotFound)) && drop_deleted(shared, &mut emits).await? {
        stored = shared.ports.store.submit(emits.clone()).await;
    }
    stored?;
    announce(shared, &emits);
    Ok(())
}

/// What an event says of the message trigger that brought it.
pub(crate) fn message_label(trigger: &str) -> TriggerLabel {
    TriggerLabel { kind: "message".to_owned(), name: trigger.to_owned() }
}
