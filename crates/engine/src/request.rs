//! What callers hand to the engine and what they get back.

use std::sync::Arc;

use tidemill_core::{
    FunctionRef, FunctionState, InvocationId, RevisionNumber, Timestamp, TopicName,
    access::Principal,
    invocation::{LogLine, Reply, Timings},
    manifest::Overrides,
    ports::{Package, Place, Unpacked},
    spec::FunctionSpec,
};

/// What is deployed.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for each deployment that goes on")]
pub enum Source {
    /// Code with its configuration.
    Package {
        /// The code.
        package: Package,
        /// Flags, which win over the package's own configuration.
        overrides: Overrides,
    },
    /// Settings alone: for a container image or a webhook, which need no files.
    Spec {
        /// The function.
        function: FunctionRef,
        /// Its settings.
        spec: Box<FunctionSpec>,
    },
    /// Either of them, as [`Engine::prepare`](crate::Engine::prepare) has made it ready.
    Prepared(Box<Prepared>),
}

/// What is deployed, unpacked and with its settings completed, so that one may judge it before it is deployed.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) unpacked: Unpacked,
    /// The function.
    pub function: FunctionRef,
    /// Its settings.
    pub spec: Arc<FunctionSpec>,
    /// Settings that have no effect, and the like.
    pub warnings: Vec<String>,
}

impl Prepared {
    /// The files of its package, relative, with `/`.
    pub fn files(&self) -> &[String] {
        &self.unpacked.files
    }
}

/// When a new revision begins to serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readiness {
    /// Once a worker of it has become ready; if none does, the former one goes on.
    #[default]
    Checked,
    /// At once. Its workers start in the background; while they fail to, [`FunctionView::problem`] says why, and they are
    /// tried again.
    Later,
}

/// A function to be deployed.
#[derive(Clone, Debug)]
pub struct DeployRequest {
    /// What.
    pub source: Source,
    /// When it begins to serve.
    pub readiness: Readiness,
    /// A new revision even when nothing changed.
    pub again: bool,
    /// In whose name. A new function is theirs, and theirs alone; one that is there they must be allowed to change. `None`
    /// leaves rights to whoever asks.
    pub owner: Option<Principal>,
}

impl DeployRequest {
    /// A package, checked before it serves.
    pub fn package(package: Package, overrides: Overrides) -> DeployRequest {
        let source = Source::Package { package, overrides };
        DeployRequest { source, readiness: Readiness::Checked, again: false, owner: None }
    }
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
    /// Runs one after the other with others of this key, whatever the function's `ordering` says. A function with one state
    /// has one line, and takes no notice of it.
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
    /// Whether a worker of the active revision has become ready at some time.
    pub was_ready: bool,
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

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerStatus {
    /// It is being started.
    Starting,
    /// It waits for a call.
    Ready,
    /// It has a call.
    Busy,
    /// It finishes its calls and takes no more.
    Stopping,
}

impl WorkerStatus {
    /// The word for it in API, CLI and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            WorkerStatus::Starting => "starting",
            WorkerStatus::Ready => "ready",
            WorkerStatus::Busy => "busy",
            WorkerStatus::Stopping => "stopping",
        }
    }
}

/// A worker of a function on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerView {
    /// Its id; no other worker has it, also after a restart.
    pub id: String,
    /// What it does.
    pub status: WorkerStatus,
    /// The revision it was started for.
    pub revision: RevisionNumber,
    /// When its start began.
    pub started_at: Timestamp,
    /// When its newest call began.
    pub last_call_at: Option<Timestamp>,
    /// Where it lives.
    pub place: Place,
}

/// What became of the wish for workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ensured {
    /// How many there were, those that are being started included.
    pub before: u32,
    /// How many are started because of it.
    pub started: u32,
}

/// A topic and who listens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicView {
    /// The topic.
    pub topic: TopicName,
    /// Its subscribers.
    pub subscribers: Vec<FunctionRef>,
}
