//! How events reach the function: answered at once or queued, in what order, how much may wait, what is remembered.

use serde::{Deserialize, Serialize};

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
