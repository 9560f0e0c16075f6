//! What a server is and how it is doing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Time;

/// What a server knows about itself from its start on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerInfo {
    /// The version of the program.
    pub version: String,
    /// The node's id for this life of it.
    pub node: String,
    /// When it started.
    pub started_at: Time,
    /// Where it keeps its data.
    pub data: String,
    /// What it can run.
    pub runtimes: Vec<RuntimeInfo>,
    /// What an operator should know, as in a sandbox that this kernel cannot give.
    pub notes: Vec<String>,
}

/// A language environment found on the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuntimeInfo {
    /// As in `python`.
    pub name: String,
    /// The version of the interpreter; empty when there is none.
    pub version: String,
    /// The program; empty when none is needed.
    pub program: String,
}

/// How a server is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// What it is.
    #[serde(flatten)]
    pub server: ServerInfo,
    /// How long it has run, in seconds.
    pub uptime_seconds: u64,
    /// Whether it takes requests.
    pub ready: bool,
    /// The store.
    pub store: StoreStatus,
    /// Where workers can be started.
    #[serde(default)]
    pub drivers: Vec<DriverStatus>,
    /// Functions: of all projects, or of one's own where requests say who makes them.
    pub functions: u64,
    /// Workers on this node.
    pub workers: WorkerTotals,
    /// Queues of the project asked for.
    pub queues: QueueTotals,
}

/// Whether the store can write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreStatus {
    /// Whether a small durable write succeeded just now.
    pub ok: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether a driver can start workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriverStatus {
    /// As in `process` or `docker`.
    pub name: String,
    /// Whether it can.
    pub ok: bool,
    /// Version and address.
    pub detail: String,
    /// Why it cannot, with a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Workers of all functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerTotals {
    /// Ready or busy.
    pub ready: u64,
    /// Being started.
    pub starting: u64,
    /// Calls running now.
    pub busy_slots: u64,
    /// Calls waiting for a free worker.
    pub waiting: u64,
}

/// Queues taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueTotals {
    /// Waiting.
    pub queued: u64,
    /// Running.
    pub running: u64,
    /// Given up.
    pub dead_lettered: u64,
}
