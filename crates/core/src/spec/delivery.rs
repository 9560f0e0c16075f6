//! How events reach the function: answered at once or queued, in what order, how much may wait, what is remembered.

use serde::{Deserialize, Serialize};

use crate::event::Event;

/// How a caller gets the answer, unless the request says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallType {
    /// The response is in the reply to the request (Pratai's `wait_for_response`).
    #[default]
    Sync,
    /// 202 with an invocation id as soon as the event is on disk.
    Async,
}

/// In which order a function's queued events run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ordering {
    /// Any; oldest first when there is a choice.
    #[default]
    None,
    /// One after the other for each key: the header named here, else the CloudEvents `partitionkey` or `subject`.
    Key {
        /// The header that holds the key, in lower case.
        header: Option<String>,
    },
}

impl Ordering {
    /// The key by which an event is ordered. Without a key of its own it is in line with all others that have none.
    pub fn key(&self, event: &Event) -> Option<String> {
        let Ordering::Key { header } = self else { return None };
        let named = header.as_deref().and_then(|header| event.header(header));
        let found = named.or_else(|| event.header("ce-partitionkey"));
        let found = found.or_else(|| (!event.subject.is_empty()).then_some(event.subject.as_str()));
        Some(found.unwrap_or_default().to_owned())
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct QueueLimits {
    /// Invocations that may be queued; more are refused with 429.
    pub pending_max: u64,
}

impl Default for QueueLimits {
    fn default() -> Self {
        QueueLimits { pending_max: crate::limits::QUEUE_PENDING_MAX }
    }
}

/// What is remembered of synchronous calls. Asynchronous ones are always remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// Nothing.
    None,
    /// Calls that did not succeed.
    Failed,
    /// All; written behind in batches, and thinned out (counted by a metric) above what the store takes in its stride.
    #[default]
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_named_header_or_the_partition_key_or_the_subject() {
        let event = |headers: &[(&str, &str)], subject: &str| Event {
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            subject: subject.to_owned(),
            ..Event::default()
        };
        let by_order = Ordering::Key { header: Some("x-order".to_owned()) };
        let by_any = Ordering::Key { header: None };
        for (ordering, event, key) in [
            (&Ordering::None, event(&[("x-order", "7")], "s"), None),
            (&by_order, event(&[("x-order", "7"), ("ce-partitionkey", "p")], "s"), Some("7")),
            (&by_order, event(&[("ce-partitionkey", "p")], "s"), Some("p")),
            (&by_any, event(&[("x-order", "7")], "s"), Some("s")),
            (&by_any, event(&[], ""), Some("")),
        ] {
            assert_eq!(ordering.key(&event).as_deref(), key);
        }
    }
}
