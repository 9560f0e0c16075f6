//! From an event to a request, and from an answer to an outcome.

use std::error::Error as _;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tidemill_core::{
    Event, FunctionRef,
    invocation::{LogLevel, Reply},
    ports::CallOutcome,
};

use crate::logs::{LogBuffer, cut_text, now};

/// So much of a response is kept.
pub(super) const RESPONSE_BYTES_MAX: usize = 64 * 1024;
/// What an HTTP caller of the function gets when the webhook fails.
const BAD_GATEWAY: u16 = 502;
/// Characters of the answer's first line that a reason shows.
const SHOWN_MAX: usize = 200;

/// The headers of a request for `event`.
pub(super) fn headers(event: &Event, function: &FunctionRef, attempt: u32) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    if let Ok(value) = HeaderValue::from_str(&event.content_type)
        && !event.content_type.is_empty()
    {
        headers.insert(reqwest::header::CONTENT_TYPE, value);
    }
    let own = format!("/projects/{}/functions/{}", function.project, function.name);
    for (name, text) in [
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", event.id.clone()),
        ("ce-type", or(&event.kind, "tidemill.event")),
        ("ce-source", or(&event.source, &own)),
        ("ce-subject", event.subject.clone()),
        ("ce-time", event.time.to_rfc3339()),
        ("x-tidemill-function", function.to_string()),
        ("x-tidemill-attempt", attempt.to_string()),
    ] {
        if !text.is_empty() {
            headers.insert(HeaderName::from_static(name), encoded(&text));
        }
    }
    headers
}

/// A value as the HTTP binding of CloudEvents writes it: what is not printable ASCII, and `"` and `%`, in percent.
fn encoded(text: &str) -> HeaderValue {
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'%' => value.push_str(&format!("%{byte:02X}")),
            b' '..=b'~' => value.push(char::from(byte)),
            _ => value.push_str(&format!("%{byte:02X}")),
        }
    }
    HeaderValue::try_from(value).expect("it is printable ASCII")
}

/// What the answer means. `logs` tells when not all of it is kept.
pub(super) async fn outcome(mut response: reqwest::Response, logs: &Mutex<LogBuffer>) -> CallOutcome {
    let status = response.status();
    let content_type = response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = match body(&mut response, logs).await {
        Ok(body) => body,
        Err(error) => return raised(format!("the webhook's answer broke off: {}", line(&error))),
    };
    if status.is_success() {
        let reply = Reply { status: status.as_u16(), content_type, headers: Vec::new(), body };
        return CallOutcome::Replied(vec![reply]);
    }
    let text = String::from_utf8_lossy(&body);
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let said = if first.is_empty() { String::new() } else { format!(": {}", cut_text(first, SHOWN_MAX)) };
    raised(format!("the webhook answered {status}{said}"))
}

pub(super) fn raised(message: String) -> CallOutcome {
    CallOutcome::Raised { message, status: BAD_GATEWAY }
}

/// The body as far as it is kept; the rest is not read.
async fn body(response: &mut reqwest::Response, logs: &Mutex<LogBuffer>) -> Result<Bytes, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        let room = RESPONSE_BYTES_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            let note = format!("the webhook's answer is larger than {RESPONSE_BYTES_MAX} bytes; the rest is not kept");
            logs.lock().push(now(), LogLevel::Warn, &note, None);
            break;
        }
    }
    Ok(body.freeze())
}

/// An error in one line, down to its first cause, without the URL.
pub(super) fn line(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(error) = source {
        texts.push(error.to_string());
        source = error.source();
    }
    let text = texts.pop().unwrap_or_else(|| error.to_string());
    cut_text(text.lines().next().unwrap_or_default(), SHOWN_MAX)
}
