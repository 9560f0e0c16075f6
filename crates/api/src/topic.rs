//! Topics and schedules.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Time;

/// A topic and who listens to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Topic {
    /// The topic.
    pub topic: String,
    /// The functions that get its events.
    pub subscribers: Vec<String>,
}

/// Topics by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopicList {
    /// The topics.
    pub topics: Vec<Topic>,
}

/// What publishing made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Published {
    /// One invocation for each event and subscriber; empty when nobody listens.
    pub invocations: Vec<Uuid>,
}

/// The next run of a cron trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Schedule {
    /// The project.
    pub project: String,
    /// The function.
    pub function: String,
    /// The trigger.
    pub trigger: String,
    /// As it was written, as in `*/5 * * * *`.
    pub schedule: String,
    /// Its time zone.
    pub time_zone: String,
    /// The next run.
    pub next_at: Time,
    /// The last run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Time>,
}

/// Schedules, the next run first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleList {
    /// The schedules.
    pub schedules: Vec<Schedule>,
}
