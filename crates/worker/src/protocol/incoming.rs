//! The JSON of frames from a worker, checked.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use tidemill_core::{invocation::Reply, limits};

use super::frame::Violation;

/// Header names and values in the order they came. Numbers and booleans are taken as their text; a list is one header for each
/// of its members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(4));
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    match value {
                        Value::One(value) => pairs.push((name, value.into_text())),
                        Value::Many(values) => {
                            pairs.extend(values.into_iter().map(|value| (name.clone(), value.into_text())));
                        }
                    }
                }
                Ok(Headers(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    One(Scalar),
    Many(Vec<Scalar>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Bool(bool),
    Number(serde_json::Number),
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Scalar::Text(text) => text,
            Scalar::Bool(value) => value.to_string(),
            Scalar::Number(value) => value.to_string(),
        }
    }
}

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
        let message = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = match (self.kind.trim(), message.as_str()) {
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
    serde_json::from_slice(meta).map_err(|error| Violation(format!("a {what} frame that cannot be read: {error}")))
}

/// Reads the meta of a `REPLY`.
pub(crate) fn reply(meta: &[u8]) -> Result<ReplyMeta<'_>, Violation> {
    serde_json::from_slice(meta).map_err(|error| Violation(format!("a REPLY frame that cannot be read: {error}")))
}

/// Checks one response. The error is one line for the author of the function.
pub(crate) fn check(reply: Reply) -> Result<Reply, String> {
    if !(100..=599).contains(&reply.status) {
        return Err(format!("the response has the status {}, which is none", reply.status));
    }
    if reply.body.len() as u64 > limits::RESPONSE_BODY_BYTES_MAX {
        return Err(too_large(reply.body.len() as u64));
    }
    if !is_value(&reply.content_type) {
        return Err("the response's content type holds a control character".to_owned());
    }
    match reply.headers.iter().find(|(name, value)| !is_token(name) || !is_value(value)) {
        Some((name, _)) => Err(format!("the response's header {:?} is not valid", crate::logs::cut_text(name, 100))),
        None => Ok(reply),
    }
}

/// Says that a response is larger than allowed.
pub(crate) fn too_large(size: u64) -> String {
    format!("the response has {size} bytes, more than the {} that are allowed", limits::RESPONSE_BODY_BYTES_MAX)
}

/// Whether it can be the name of a header.
pub(crate) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Whether it can be the value of a header.
pub(crate) fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f))
}
