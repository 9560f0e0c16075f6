//! The JSON of frames from a worker, checked.

use std::borrow::Cow;

use serde::{Deserialize, de::DeserializeOwned};
use tidemill_core::log::one_line;
pub(crate) use tidemill_core::{
    headers::Headers,
    reply::{check, too_large},
};

use super::frame::Violation;

/// `READY`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Ready {
    pub protocol: u32,
    pub slots: u32,
}

impl Default for Ready {
    fn default() -> Self {
        Ready { protocol: super::VERSION, slots: 1 }
    }
}

/// `FAILED` and `ERROR`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Failure {
    #[serde(rename = "type")]
    pub kind: String,
    pub message: String,
    pub traceback: String,
    pub status: u16,
    pub user_us: u64,
}

impl Default for Failure {
    fn default() -> Self {
        let empty = String::new;
        Failure { kind: empty(), message: empty(), traceback: empty(), status: 500, user_us: 0 }
    }
}

impl Failure {
    /// `type: message` in one line.
    pub fn line(&self) -> String {
        let in_one = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = match (in_one(&self.kind).as_str(), in_one(&self.message).as_str()) {
            ("", "") => "the worker reported an error without saying which".to_owned(),
            ("", message) => message.to_owned(),
            (kind, "") => kind.to_owned(),
            (kind, message) => format!("{kind}: {message}"),
        };
        crate::logs::cut_text(&line, LINE_BYTES_MAX)
    }
}

/// The one line of an exception that callers see is cut to this.
const LINE_BYTES_MAX: usize = 4096;

/// `REPLY`, of one event or a batch.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct ReplyMeta<'a> {
    pub status: u16,
    pub headers: Headers,
    #[serde(borrow)]
    pub content_type: Cow<'a, str>,
    pub user_us: u64,
    pub batch: Option<Vec<BatchReply>>,
}

impl Default for ReplyMeta<'_> {
    fn default() -> Self {
        ReplyMeta {
            status: 200,
            headers: Headers::default(),
            content_type: "text/plain".into(),
            user_us: 0,
            batch: None,
        }
    }
}

/// One response of a batch.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct BatchReply {
    pub event_id: String,
    pub status: u16,
    pub headers: Headers,
    pub content_type: String,
    pub size: u64,
}

impl Default for BatchReply {
    fn default() -> Self {
        let content_type = "text/plain".to_owned();
        BatchReply { event_id: String::new(), status: 200, headers: Headers::default(), content_type, size: 0 }
    }
}

/// `LOG`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Log {
    pub level: String,
    pub message: String,
    pub fields: Option<serde_json::Map<String, serde_json::Value>>,
    pub time_us: i64,
}

impl Default for Log {
    fn default() -> Self {
        Log { level: "info".to_owned(), message: String::new(), fields: None, time_us: 0 }
    }
}

/// `CALL`.
#[derive(Debug, Deserialize)]
pub(crate) struct CallMeta {
    pub call: u64,
    pub function: String,
    #[serde(default)]
    pub method: String,
    #[serde(default)]
    pub path: String,
    #[serde(default)]
    pub headers: Headers,
    #[serde(default)]
    pub content_type: String,
}

/// `SEND`.
#[derive(Debug, Deserialize)]
pub(crate) struct SendMeta {
    pub function: String,
    #[serde(default)]
    pub key: Option<String>,
    #[serde(default)]
    pub headers: Headers,
    #[serde(default)]
    pub content_type: String,
    #[serde(default)]
    pub delay_ms: u64,
}

/// Reads the meta of a seldom frame.
pub(crate) fn read<T: DeserializeOwned>(what: &str, meta: &[u8]) -> Result<T, Violation> {
    let unreadable = |error| Violation(format!("a {what} frame that cannot be read: {}", one_line(error)));
    serde_json::from_slice::<T>(meta).map_err(unreadable)
}

/// Reads the meta of a `REPLY`.
pub(crate) fn reply(meta: &[u8]) -> Result<ReplyMeta<'_>, Violation> {
    let unreadable = |error| Violation(format!("a REPLY frame that cannot be read: {}", one_line(error)));
    serde_json::from_slice::<ReplyMeta<'_>>(meta).map_err(unreadable)
}
