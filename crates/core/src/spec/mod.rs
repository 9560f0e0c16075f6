//! What a function is: the settings that a revision freezes.
//!
//! The shape follows Nuclio's `function.yaml`; what Tidemill adds to it (`type`, `retry`, `ordering`, `queue`, `history`)
//! sits beside Nuclio's fields in `spec`. Files and flags are read into this by [`crate::manifest`].

mod build;
mod command;
mod completion;
mod container;
mod delivery;
mod function;
mod resources;
mod runtime;
mod state;
mod trigger;

pub use build::{Build, DEPENDENCY_FILES, NODE_MANIFEST, PYTHON_REQUIREMENTS};
pub use command::CommandAttributes;
pub use completion::Completion;
pub use container::{Container, Contract, Mount, Pull, is_reserved_target};
pub use delivery::{CallType, History, Ordering, QueueLimits};
pub use function::{EnvVar, FunctionSpec};
pub use resources::{Replicas, Resources, Sandbox};
pub use runtime::Runtime;
pub use state::StateScope;
pub use trigger::{
    Batch, Cors, CronTrigger, HttpTrigger, MessageSource, MessageTrigger, MissedRuns, Trigger, TriggerKind,
};
