//! Queues.

use serde::{Deserialize, Serialize};
use tidemill_core::ports::QueueStats;
use utoipa::ToSchema;

use crate::Time;

/// The depth of one function's queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    /// The project.
    pub project: String,
    /// The function.
    pub function: String,
    /// Waiting.
    pub queued: u64,
    /// Running.
    pub running: u64,
    /// Given up, kept, can be redriven.
    pub dead_lettered: u64,
    /// When the oldest waiting one arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Time>,
}

impl From<&QueueStats> for Queue {
    fn from(stats: &QueueStats) -> Queue {
        Queue {
            project: stats.function.project.to_string(),
            function: stats.function.name.to_string(),
            queued: stats.queued,
            running: stats.running,
            dead_lettered: stats.dead_lettered,
            oldest: stats.oldest.map(Time),
        }
    }
}

/// Queues by function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueList {
    /// The queues.
    pub queues: Vec<Queue>,
}
