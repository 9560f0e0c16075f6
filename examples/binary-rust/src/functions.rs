//! The functions themselves: bytes in, a reply or a message of failure out.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{json, Value};

/// What a function is called with.
pub struct Call {
    /// The event's body.
    pub body: Vec<u8>,
    /// The durable state as JSON; empty when none is stored, or when the function has none.
    pub state: Vec<u8>,
}

/// A message to another function.
pub struct Message {
    /// The meta of its SEND frame.
    pub meta: Value,
    pub body: Vec<u8>,
}

/// What a function answers.
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Vec<u8>,
    /// LOG records to send before the reply.
    pub logs: Vec<Value>,
    /// Messages to send before the reply.
    pub sends: Vec<Message>,
    /// The new state as JSON, when it has changed.
    pub state: Option<Vec<u8>>,
}

impl Reply {
    fn text(body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            content_type: "text/plain",
            headers: Vec::new(),
            body: body.into(),
            logs: Vec::new(),
            sends: Vec::new(),
            state: None,
        }
    }
}

/// A function: a call to a reply, or to the one line its caller sees.
pub type Function = fn(Call) -> Result<Reply, String>;

const FUNCTIONS: [(&str, Function); 8] = [
    ("echo", echo),
    ("upper", upper),
    ("status", status),
    ("fail", fail),
    ("log", log),
    ("big", big),
    ("count", count),
    ("send", send),
];

/// The function called `name`.
pub fn find(name: &str) -> Option<Function> {
    FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

/// All names, for people.
pub fn names() -> String {
    FUNCTIONS.map(|(name, _)| name).join(", ")
}

fn echo(call: Call) -> Result<Reply, String> {
    Ok(Reply::text(call.body))
}

fn upper(call: Call) -> Result<Reply, String> {
    let text = std::str::from_utf8(&call.body).map_err(|error| format!("the body is not text: {error}"))?;
    Ok(Reply::text(text.to_uppercase()))
}

fn status(_call: Call) -> Result<Reply, String> {
    Ok(Reply {
        status: 201,
        content_type: "text/x-tide",
        headers: vec![("x-tide", "high"), ("x-count", "3")],
        ..Reply::text("made")
    })
}

fn fail(call: Call) -> Result<Reply, String> {
    Err(String::from_utf8_lossy(&call.body).into_owned())
}

fn log(_call: Call) -> Result<Reply, String> {
    let record = |level: &str, message: &str, fields: Value| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time_us = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        json!({ "level": level, "message": message, "fields": fields, "time_us": time_us })
    };
    let logs = vec![
        record("debug", "one", json!({})),
        record("info", "two", json!({ "size": 2, "name": "x" })),
        record("warn", "three", json!({})),
        record("error", "four", json!({})),
    ];
    Ok(Reply { logs, ..Reply::text("done") })
}

fn big(call: Call) -> Result<Reply, String> {
    let size: usize = String::from_utf8_lossy(&call.body)
        .trim()
        .parse()
        .map_err(|error| format!("the body is not a number of bytes: {error}"))?;
    Ok(Reply::text(vec![b'x'; size]))
}

/// An actor: counts its events in its state.
fn count(call: Call) -> Result<Reply, String> {
    let state: Value = match call.state.as_slice() {
        [] => json!({}),
        stored => serde_json::from_slice(stored).map_err(|error| format!("the stored state is not JSON: {error}"))?,
    };
    let count = state["count"].as_u64().unwrap_or(0) + 1;
    let state = json!({ "count": count }).to_string().into_bytes();
    Ok(Reply { state: Some(state), ..Reply::text(count.to_string()) })
}

/// Sends messages with all that they may have.
fn send(_call: Call) -> Result<Reply, String> {
    let message = |meta: Value, body: &[u8]| Message { meta, body: body.to_vec() };
    let sends = vec![
        message(json!({ "function": "one" }), "hello ü".as_bytes()),
        message(json!({ "function": "two", "key": "room-7", "content_type": "application/json" }), br#"{"n":[1,2]}"#),
        message(
            json!({ "function": "three", "content_type": "image/png", "headers": { "x-one": "1" }, "delay_ms": 1500 }),
            &[0, 255, 128],
        ),
        message(json!({ "function": "one" }), b""),
    ];
    Ok(Reply { sends, ..Reply::text("sent") })
}
