//! CloudEvents on the way in: 1.0 (binary, structured, batch) and the 0.1 forms that Nuclio understands.
//!
//! Attributes become members of the event; extensions become headers `ce-<name>`. A request that claims to be a CloudEvent
//! and is none is refused with the name of the attribute.

mod binary;
mod structured;
#[cfg(test)]
mod tests;

use tidemill_api::ErrorCode;
use tidemill_core::{Event, Timestamp, log::one_line};

use crate::refusal::Refusal;

/// The most events in a batch.
const BATCH_MAX: usize = 10_000;

/// What a request brought.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// One event; most requests.
    One(Box<Event>),
    /// A CloudEvents batch.
    Many(Vec<Event>),
}

/// What is wrong with an envelope: the attribute, and why.
fn bad(attribute: &str, reason: impl std::fmt::Display) -> Refusal {
    Refusal::new(ErrorCode::BadEnvelope, format!("CloudEvents attribute {}: {}", one_line(attribute), one_line(reason)))
}

fn time(attribute: &str, text: &str) -> Result<Timestamp, Refusal> {
    Timestamp::parse_rfc3339(text)
        .ok_or_else(|| bad(attribute, format_args!("{text:?} is not a time; write it as in 2026-11-22T01:02:03Z")))
}

/// Sets a header, in place of one of that name.
fn set_header(event: &mut Event, name: &str, value: String) {
    match event.headers.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => *known = value,
        None => event.headers.push((name.to_owned(), value)),
    }
}

fn is_prefix_of(prefix: &str, text: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Understands an event that came by HTTP. One that does not claim to be a CloudEvent is passed on as it is.
pub(crate) fn understand(mut event: Event) -> Result<Arrival, Refusal> {
    if is_prefix_of("application/cloudevents", &event.content_type) {
        return structured::understand(event);
    }
    if event.headers.iter().any(|(name, _)| name.starts_with("ce-")) {
        binary::understand(&mut event)?;
    }
    Ok(Arrival::One(Box::new(event)))
}
