//! Messages as programs write them.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;

use crate::{
    headers::{Headers, is_token, is_value},
    log::{cut_text, one_line},
    ports::Message,
};

/// A message as JSON.
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
    headers: Headers,
    #[serde(default)]
    delay_ms: u64,
}

/// Reads and checks one message, a JSON object.
///
/// # Errors
///
/// One line: what of it is not understood.
pub fn read(text: &[u8]) -> Result<Message, String> {
    let line: Line = serde_json::from_slice(text).map_err(one_line)?;
    let body = match (line.body, line.body_base64) {
        (Some(_), Some(_)) => return Err("it has both a body and a body_base64".to_owned()),
        (Some(text), None) => text.into_bytes(),
        (None, Some(text)) => {
            BASE64_STANDARD.decode(text).map_err(|error| format!("its body_base64 is not base64: {error}"))?
        }
        (None, None) => Vec::new(),
    };
    let headers = line.headers.0.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    check(Message {
        function: line.function,
        key: line.key,
        headers,
        content_type: line.content_type,
        body: body.into(),
        delay: Duration::from_millis(line.delay_ms),
    })
}

/// Checks a message as far as can be without knowing the functions of the project.
///
/// # Errors
///
/// One line: what of it is not possible.
pub fn check(message: Message) -> Result<Message, String> {
    if message.function.is_empty() {
        return Err("a message was sent to no function: its name is empty".to_owned());
    }
    if !is_value(&message.content_type) {
        return Err(format!(
            "the message to {} has a content type with a control character",
            one_line(cut_text(&message.function, 100))
        ));
    }
    match message.headers.iter().find(|(name, value)| !is_token(name) || !is_value(value)) {
        Some((name, _)) => {
            let (function, name) = (one_line(cut_text(&message.function, 100)), cut_text(name, 100));
            Err(format!("the message to {function} has a header {name:?} that is not valid"))
        }
        None => Ok(message),
    }
}
