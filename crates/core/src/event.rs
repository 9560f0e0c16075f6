//! Events: what arrives. A CloudEvents 1.0 envelope, the HTTP words that Nuclio's handlers know, and a body of bytes.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The header that counts the calls of functions by functions that led to an event.
pub const CALL_DEPTH: &str = "tidemill-call-depth";

/// Which trigger brought an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerLabel {
    /// The kind, as in `http`.
    pub kind: String,
    /// The trigger's name within its function, as in `default-http`.
    pub name: String,
}

/// Something that happened, on its way to a function.
///
/// Serialises as its envelope; the body travels apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// CloudEvents `id`. For an event that came without one, the id of its invocation.
    pub id: String,
    /// CloudEvents `source`: where it came from. May be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// CloudEvents `type`. May be empty.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// CloudEvents `subject`. May be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// When it happened or, if that is unknown, when it arrived.
    pub time: Timestamp,
    /// Who sent it: the user's name, or empty when nobody in particular did. Set by the server, never by the sender.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub caller: String,
    /// The trigger that brought it.
    pub trigger: TriggerLabel,
    /// The HTTP method, in capitals; `POST` for events that did not come by HTTP.
    pub method: String,
    /// The path below the function's own address, beginning with `/`.
    pub path: String,
    /// The query string without `?`. May be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// Header names in lower case, and values. A header given twice is joined with `, `.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The media type of the body. Empty when unknown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub content_type: String,
    /// The body.
    #[serde(skip)]
    pub body: Bytes,
}

impl Event {
    /// The value of the header `name`, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
