//! The functions themselves: bytes in, a reply or a message of failure out.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{json, Value};

/// What a function answers.
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Vec<u8>,
    /// LOG records to send before the reply.
    pub logs: Vec<Value>,
}

impl Reply {
    fn text(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type: "text/plain", headers: Vec::new(), body: body.into(), logs: Vec::new() }
    }
}

/// A function: the event's body to a reply, or to the one line its caller sees.
pub type Function = fn(&[u8]) -> Result<Reply, String>;

const FUNCTIONS: [(&str, Function); 6] =
    [("echo", echo), ("upper", upper), ("status", status), ("fail", fail), ("log", log), ("big", big)];

/// The function called `name`.
pub fn find(name: &str) -> Option<Function> {
    FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

/// All names, for people.
pub fn names() -> String {
    FUNCTIONS.map(|(name, _)| name).join(", ")
}

fn echo(body: &[u8]) -> Result<Reply, String> {
    Ok(Reply::text(body))
}

fn upper(body: &[u8]) -> Result<Reply, String> {
    let text = std::str::from_utf8(body).map_err(|error| format!("the body is not text: {error}"))?;
    Ok(Reply::text(text.to_uppercase()))
}

fn status(_body: &[u8]) -> Result<Reply, String> {
    Ok(Reply {
        status: 201,
        content_type: "text/x-tide",
        headers: vec![("x-tide", "high"), ("x-count", "3")],
        ..Reply::text("made")
    })
}

fn fail(body: &[u8]) -> Result<Reply, String> {
    Err(String::from_utf8_lossy(body).into_owned())
}

fn log(_body: &[u8]) -> Result<Reply, String> {
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

fn big(body: &[u8]) -> Result<Reply, String> {
    let size: usize = String::from_utf8_lossy(body)
        .trim()
        .parse()
        .map_err(|error| format!("the body is not a number of bytes: {error}"))?;
    Ok(Reply::text(vec![b'x'; size]))
}
