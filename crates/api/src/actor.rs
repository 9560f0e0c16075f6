//! State, workers and images of functions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Time;

/// The durable state of a function, or of one key of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct State {
    /// The key; empty for a function with one state.
    pub key: String,
    /// The state.
    pub value: serde_json::Value,
    /// Counts its changes; give it as `If-Match` to change just this version.
    pub version: u64,
    /// When it last changed.
    pub updated_at: Time,
}

/// The version that a state has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateVersion {
    /// It counts the changes of the state.
    pub version: u64,
}

/// A key that has state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateKey {
    /// The key; empty for a function with one state.
    pub key: String,
    /// Counts its changes.
    pub version: u64,
    /// When it last changed.
    pub updated_at: Time,
}

/// Keys that have state, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateList {
    /// The keys.
    pub states: Vec<StateKey>,
    /// Give this as `after` to get the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A worker of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Worker {
    /// Its id.
    pub id: String,
    /// `starting`, `ready`, `busy` or `stopping`.
    pub status: String,
    /// The revision it was started for.
    pub revision: u32,
    /// When its start began.
    pub started_at: Time,
    /// When its newest call began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_call_at: Option<Time>,
    /// The driver and its address, as in `process` or `docker:unix:///var/run/docker.sock`.
    pub driver: String,
    /// The image, for a container.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// The container's id, or the process's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instance: String,
}

/// The workers of a function, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerList {
    /// The workers.
    pub workers: Vec<Worker>,
}

/// Asks for workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerCount {
    /// At least so many; 1 when absent.
    pub count: Option<u32>,
}

/// What became of the wish for workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ensured {
    /// How many there were, those that were being started included.
    pub before: u32,
    /// How many are started because of it.
    pub started: u32,
}

/// Asks for an image of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImage {
    /// The image that it is built on.
    pub base: String,
    /// What it is to be called, as in `hello:1`.
    pub tag: String,
}

/// An image that was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// Its id or digest.
    pub image: String,
    /// What it is called.
    pub tag: String,
}
