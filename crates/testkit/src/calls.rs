//! Events, calls, and what their ends hold.

use std::time::Duration;

use tidemill_core::{
    Event, InvocationId, Timestamp, TriggerLabel,
    invocation::{AttemptOutcome, LogLevel, Reply},
    ports::{Call, CallEnd, CallOutcome},
};

/// An id that no other call has.
pub fn invocation() -> InvocationId {
    InvocationId(uuid::Uuid::now_v7())
}

/// An event with `body`.
pub fn event(body: impl Into<Vec<u8>>) -> Event {
    Event {
        id: "event-0".to_owned(),
        time: Timestamp(1_763_769_600_000_000),
        trigger: TriggerLabel { kind: "http".to_owned(), name: "default-http".to_owned() },
        method: "POST".to_owned(),
        path: "/".to_owned(),
        body: body.into().into(),
        ..Event::default()
    }
}

/// A call of one event.
pub fn call(body: impl Into<Vec<u8>>) -> Call {
    Call::single(invocation(), 1, event(body))
}

/// A call that may take so long.
pub fn call_within(body: impl Into<Vec<u8>>, timeout: Duration) -> Call {
    Call { timeout: Some(timeout), ..call(body) }
}

/// The only response.
///
/// # Panics
///
/// There is none, or more than one.
pub fn reply(end: &CallEnd) -> &Reply {
    match &end.outcome {
        CallOutcome::Replied(replies) if replies.len() == 1 => &replies[0],
        other => panic!("no response but {other:?}\n{:#?}", end.logs),
    }
}

/// The only response's body as text.
///
/// # Panics
///
/// There is none, or it is no text.
pub fn text(end: &CallEnd) -> String {
    String::from_utf8(reply(end).body.to_vec()).unwrap()
}

/// Outcome and reason of a call that did not end by itself.
///
/// # Panics
///
/// It did.
pub fn broken(end: &CallEnd) -> (AttemptOutcome, &str) {
    match &end.outcome {
        CallOutcome::Broken { outcome, reason } => (*outcome, reason),
        other => panic!("not broken but {other:?}\n{:#?}", end.logs),
    }
}

/// Message and status of a call that failed.
///
/// # Panics
///
/// It did not.
pub fn raised(end: &CallEnd) -> (&str, u16) {
    match &end.outcome {
        CallOutcome::Raised { message, status } => (message, *status),
        other => panic!("not raised but {other:?}\n{:#?}", end.logs),
    }
}

/// Levels and messages of the log.
pub fn lines(end: &CallEnd) -> Vec<(LogLevel, &str)> {
    end.logs.iter().map(|line| (line.level, line.message.as_str())).collect()
}
