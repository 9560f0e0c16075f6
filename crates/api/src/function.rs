//! Functions, revisions, deployments.

use serde::{Deserialize, Serialize};
use tidemill_core::RevisionRecord;
use utoipa::ToSchema;

use crate::{Problem, Spec, Time};

/// A function as it stands now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Function {
    /// The project.
    pub project: String,
    /// The name.
    pub name: String,
    /// The active revision.
    pub revision: u32,
    /// `active` or `paused`.
    pub state: String,
    /// The settings of the active revision.
    pub spec: Spec,
    /// Its workers.
    pub workers: Workers,
    /// Invocations waiting in its queue.
    pub queued: u64,
    /// Invocations running from its queue.
    pub running: u64,
    /// The paths at which it answers HTTP, its own address first; empty when it has no http trigger.
    pub addresses: Vec<String>,
    /// Why its workers do not start, when they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// When it was first deployed.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// The workers of a function on this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Workers {
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

/// Functions by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FunctionList {
    /// The functions.
    pub functions: Vec<Function>,
}

/// A deployment that took place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Deployed {
    /// The project.
    pub project: String,
    /// The name.
    pub name: String,
    /// The revision that serves now.
    pub revision: u32,
    /// Its settings.
    pub spec: Spec,
    /// Whether code and settings were those of the active revision already.
    pub unchanged: bool,
    /// The paths at which it answers HTTP, its own address first.
    pub addresses: Vec<String>,
    /// Settings that have no effect, and the like.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// One line of a deployment's stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeployNews {
    /// What goes on.
    Progress(String),
    /// It took place. The last line.
    Deployed(Box<Deployed>),
    /// It did not. The last line.
    Problem(Box<Problem>),
}

/// Asks for a rollback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rollback {
    /// The revision to go to; the one before the active one when absent.
    pub revision: Option<u32>,
}

/// One immutable code and settings of a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    /// Its number, from 1.
    pub revision: u32,
    /// Whether new calls go to it.
    pub active: bool,
    /// The SHA-256 of its package's content.
    pub package: String,
    /// Its settings.
    pub spec: Spec,
    /// When it was deployed.
    pub created_at: Time,
}

impl Revision {
    /// A stored revision; `active` is the number of the active one.
    pub fn new(record: &RevisionRecord, active: u32) -> Revision {
        Revision {
            revision: record.number.0,
            active: record.number.0 == active,
            package: record.package.to_string(),
            spec: (&record.spec).into(),
            created_at: record.created_at.into(),
        }
    }
}

/// Revisions, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RevisionList {
    /// The revisions.
    pub revisions: Vec<Revision>,
}
