//! The events that responses make for the functions that subscribe to them.

use tidemill_core::{
    Event, TriggerLabel,
    invocation::{Invocation, Reply},
    ports::NewInvocation,
    spec::MessageSource,
};

use crate::{function::Function, shared::Shared};

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
            let key = subscription.function.current.load().spec.line(&event);
            NewInvocation {
                id: shared.new_id(),
                function: subscription.function.reference.clone(),
                event,
                key,
                idempotency_key: None,
                parent: Some(invocation.id),
                received_at: now,
                available_at: now,
                received_us: 0,
                lease: None,
            }
        })
        .collect()
}

/// Takes out the events for functions that were deleted in the meantime. Returns whether there were any: without them the
/// store may take the rest.
pub(crate) async fn drop_deleted(shared: &Shared, emits: &mut Vec<NewInvocation>) -> bool {
    if emits.is_empty() {
        return false;
    }
    let Ok(functions) = shared.ports.store.functions().await else { return false };
    let before = emits.len();
    emits.retain(|emit| functions.iter().any(|record| record.function == emit.function));
    emits.len() < before
}

/// Tells their functions that these are stored.
pub(crate) fn announce(shared: &Shared, emits: &[NewInvocation]) {
    let routes = shared.routes.load();
    for emit in emits {
        if let Some(function) = routes.function(&emit.function) {
            function.add_queued(1);
            function.nudge();
        }
    }
}

/// What an event says of the message trigger that brought it.
pub(crate) fn message_label(trigger: &str) -> TriggerLabel {
    TriggerLabel { kind: "message".to_owned(), name: trigger.to_owned() }
}
