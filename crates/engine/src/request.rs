//! What callers hand to the engine and what they get back.

use std::sync::Arc;

use tidemill_core::{
    FunctionRef, FunctionState, InvocationId, RevisionNumber, Timestamp, TopicName,
    invocation::{LogLine, Reply, Timings},
    manifest::Overrides,
    ports::Package,
    spec::FunctionSpec,
};

/// A function to be deployed.
#[derive(Clone, Debug)]
pub struct DeployRequest {
    /// Its code.
    pub package: Package,
    /// Flags, which win over the package's own configuration.
    pub overrides: Overrides,
}

/// A deployment that took place.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The function.
    pub function: FunctionRef,
    /// The revision that serves now.
    pub revision: RevisionNumber,
    /// Its settings.
    pub spec: Arc<FunctionSpec>,
    /// Whether code and settings were those of the active revision, so that nothing was done.
    pub unchanged: bool,
    /// Settings that have no effect, and the like.
    pub warnings: Vec<String>,
}

/// How an event is submitted.
#[derive(Clone, Debug, Default)]
pub struct SubmitOptions {
    /// The first answer to this key is the answer to all.
    pub idempotency_key: Option<String>,
    /// Not before this time.
    pub available_at: Option<Timestamp>,
    /// Runs one after the other with others of this key, whatever the function's `ordering` says.
    pub key: Option<String>,
    /// When the request arrived; `None` is now.
    pub received_at: Option<Timestamp>,
}

/// An accepted event. It is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The invocation; for a duplicate, the first one with that idempotency key.
    pub id: InvocationId,
    /// Whether its idempotency key was used before.
    pub is_duplicate: bool,
}

/// A finished synchronous call.
#[derive(Clone, Debug)]
pub struct Called {
    /// Its id, under which the history knows it.
    pub id: InvocationId,
    /// What the HTTP caller gets: the function's response, or an error response with a body of one line.
    pub reply: Reply,
    /// Whether the function itself responded.
    pub succeeded: bool,
    /// What it printed and logged.
    pub logs: Vec<LogLine>,
    /// Where the time went.
    pub timings: Timings,
}

/// A function as it stands now.
#[derive(Clone, Debug)]
pub struct FunctionView {
    /// The function.
    pub function: FunctionRef,
    /// The active revision.
    pub revision: RevisionNumber,
    /// Its settings.
    pub spec: Arc<FunctionSpec>,
    /// What it is asked to be.
    pub desired: FunctionState,
    /// When the function was first deployed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its workers.
    pub workers: WorkersView,
    /// Invocations waiting for their turn, as far as this node knows: in the queue, or held already by this node for the
    /// next free worker.
    pub queued: u64,
    /// Invocations whose attempts run on this node.
    pub running: u64,
    /// The paths at which it answers HTTP, beginning with its own address; empty when it has no http trigger.
    pub addresses: Vec<String>,
    /// Why its workers do not start, when they do not.
    pub problem: Option<String>,
}

/// The workers of a function on this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkersView {
    /// Ready or busy.
    pub ready: u32,
    /// Being started.
    pub starting: u32,
    /// Calls running now.
    pub busy_slots: u32,
    /// Calls waiting for a free worker.
    pub waiting: u32,
    /// Kept at least.
    pub min: u32,
    /// Never more.
    pub max: u32,
}

/// A topic and who listens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicView {
    /// The topic.
    pub topic: TopicName,
    /// Its subscribers.
    pub subscribers: Vec<FunctionRef>,
}
