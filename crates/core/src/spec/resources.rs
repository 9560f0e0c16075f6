//! Limits and numbers of workers.

use serde::{Deserialize, Serialize};

/// What one worker may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Resident memory of a worker and its children, in bytes.
    pub memory_bytes: Option<u64>,
    /// Cores, in thousandths.
    pub cpu_millis: Option<u32>,
}

/// What a function asks of the sandbox of its workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// Whether workers share the machine's network; otherwise they have a loopback of their own and nothing else.
    pub network: bool,
}

/// How many workers a function has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    /// Kept running even when idle.
    pub min: u32,
    /// Never more than these.
    pub max: u32,
}
