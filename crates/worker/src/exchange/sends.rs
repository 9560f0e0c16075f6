//! The lines of messages.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use tidemill_core::{limits::SENDS_MAX, ports::Message};

use crate::{logs::cut_text, protocol::incoming};

/// One line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    function: String,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    body_base64: Option<String>,
    #[serde(default)]
    content_type: String,
    #[serde(default)]
    headers: incoming::Headers,
    #[serde(default)]
    delay_ms: u64,
}

/// Reads the messages of a send file. The error is one line that names the line.
pub(super) fn read(text: &[u8]) -> Result<Vec<Message>, String> {
    let mut sends = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if sends.len() >= SENDS_MAX {
            return Err(too_many());
        }
        let message = serde_json::from_slice(line).map_err(|error| error.to_string()).and_then(message);
        sends.push(message.map_err(|why| format!("TIDEMILL_SEND_FILE, line {}: {why}", index + 1))?);
    }
    Ok(sends)
}

fn message(line: Line) -> Result<Message, String> {
    let body = match (line.body, line.body_base64) {
        (Some(_), Some(_)) => return Err("it has both a body and a body_base64".to_owned()),
        (Some(text), None) => text.into_bytes(),
        (None, Some(text)) => {
            BASE64_STANDARD.decode(text).map_err(|error| format!("its body_base64 is not base64: {error}"))?
        }
        (None, None) => Vec::new(),
    };
    let headers = line.headers.0.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    check_message(Message {
        function: line.function,
        key: line.key,
        headers,
        content_type: line.content_type,
        body: body.into(),
        delay: Duration::from_millis(line.delay_ms),
    })
}

/// Says that an execution sent more than it may.
fn too_many() -> String {
    format!("it sent more than the {SENDS_MAX} messages that are allowed")
}

/// Checks a message as far as can be without knowing the functions of the project. The error is one line.
pub(crate) fn check_message(message: Message) -> Result<Message, String> {
    if message.function.is_empty() {
        return Err("a message was sent to no function: its name is empty".to_owned());
    }
    if !incoming::is_value(&message.content_type) {
        return Err(format!(
            "the message to {} has a content type with a control character",
            cut_text(&message.function, 100)
        ));
    }
    match message.headers.iter().find(|(name, value)| !incoming::is_token(name) || !incoming::is_value(value)) {
        Some((name, _)) => {
            let (function, name) = (cut_text(&message.function, 100), cut_text(name, 100));
            Err(format!("the message to {function} has a header {name:?} that is not valid"))
        }
        None => Ok(message),
    }
}
