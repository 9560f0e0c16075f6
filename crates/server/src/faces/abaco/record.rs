//! What only the face knows of an actor, as the registry keeps it. All else is its function's.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidemill_core::{
    FunctionName, FunctionRef, ProjectName, Timestamp,
    access::{Object, ObjectKind},
    ports::{EntryId, EntryKind},
};

/// The version of the stored form.
pub(crate) const FORMAT: u32 = 1;

/// An actor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActorRecord {
    /// Version of this form, see [`FORMAT`].
    pub(crate) format: u32,
    /// Its id, which is its function's name.
    pub(crate) id: FunctionName,
    /// Who registered it.
    pub(crate) owner: String,
    /// When.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
    /// Counts its images, from 1.
    pub(crate) revision: u32,
    /// Whether a worker of this image was ready at some time.
    pub(crate) was_ready: bool,
    /// Whether it is being deleted.
    pub(crate) is_going: bool,
    /// What its owner said of it.
    pub(crate) definition: Definition,
}

/// What an owner says of an actor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) image: String,
    pub(crate) name: Option<String>,
    pub(crate) description: String,
    pub(crate) stateless: bool,
    pub(crate) default_environment: Map<String, Value>,
    pub(crate) hints: Vec<String>,
    /// The actor that is told of this one's events, as it was named.
    pub(crate) link: String,
    /// The actor that name meant when it was given.
    pub(crate) linked: Option<FunctionName>,
    /// The address that is told of this actor's events.
    pub(crate) webhook: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// A boolean as it was given, or the server's word for what holds when it was not.
    pub(crate) token: Value,
    /// Seconds.
    pub(crate) log_ex: Option<i64>,
    pub(crate) cron: Option<CronRecord>,
    pub(crate) cron_on: bool,
    pub(crate) privileged: bool,
    pub(crate) max_workers: Option<u32>,
    pub(crate) mem_limit: Option<String>,
    /// Nano-CPUs.
    pub(crate) max_cpus: Option<u64>,
    pub(crate) queue: String,
    pub(crate) use_container_uid: bool,
    pub(crate) uid: Option<String>,
    pub(crate) gid: Option<String>,
    pub(crate) tasdir: Option<String>,
}

/// When an actor runs by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CronRecord {
    /// As it was given.
    pub(crate) text: String,
    /// As a trigger says it.
    pub(crate) schedule: String,
    /// The first run.
    pub(crate) start: Timestamp,
}

impl ActorRecord {
    /// The actor's function.
    pub(crate) fn function(&self, project: &ProjectName) -> FunctionRef {
        FunctionRef::new(project.clone(), self.id.clone())
    }

    /// The function that posts the actor's events to its webhook.
    pub(crate) fn webhook_function(&self, project: &ProjectName) -> FunctionRef {
        let name = format!("{}.webhook", self.id);
        FunctionRef::new(project.clone(), name.parse().expect("an id with letters behind it is a name"))
    }
}

/// The entry of an actor.
pub(crate) fn entry_id(project: &ProjectName, id: &str) -> EntryId {
    EntryId { kind: EntryKind::Actor, project: project.clone(), name: id.to_owned() }
}

/// An actor as grants know it.
pub(crate) fn object(project: &ProjectName, id: &FunctionName) -> Object {
    Object { kind: ObjectKind::Function, project: project.clone(), name: id.as_str().to_owned() }
}
