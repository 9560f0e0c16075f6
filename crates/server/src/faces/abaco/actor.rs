//! Actors as the registry keeps them and as answers show them.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tidemill_core::{
    FunctionRef, ProjectName, Timestamp,
    ports::{Entry, EntryChange, EntryKind, Expected, Progress, StoreError},
    schedule::Schedule,
    spec::Mount,
};
use tidemill_engine::{DeployError, DeployRequest, Engine, FunctionView, Readiness, Source};

use super::{
    AbacoConfig, cron,
    links::Links,
    record::{ActorRecord, Definition, entry_id},
    resources,
    search::Document,
    spec, times,
};

/// An actor with the version of its entry.
pub(crate) struct Stored {
    pub(crate) record: ActorRecord,
    pub(crate) version: u64,
}

fn read(entry: &Entry) -> Result<ActorRecord, StoreError> {
    let broken = |error| StoreError::Failed(format!("actor {} cannot be read: {error}", entry.id.name));
    serde_json::from_value(entry.value.clone()).map_err(broken)
}

/// An actor by its id.
pub(crate) async fn find(engine: &Engine, project: &ProjectName, id: &str) -> Result<Option<Stored>, StoreError> {
    let entry = engine.registry().entry(&entry_id(project, id)).await?;
    entry.map(|entry| Ok(Stored { record: read(&entry)?, version: entry.version })).transpose()
}

/// The actors of a project, or of all, the oldest first. One that cannot be read stands in nobody's way: the log tells of it.
pub(crate) async fn all(
    engine: &Engine,
    project: Option<&ProjectName>,
) -> Result<Vec<(ProjectName, ActorRecord)>, StoreError> {
    let entries = engine.registry().entries(EntryKind::Actor, project).await?;
    let read = |entry: Entry| match read(&entry) {
        Ok(record) => Some((entry.id.project, record)),
        Err(error) => {
            tracing::error!(%error, "an actor is left out");
            None
        }
    };
    let mut actors: Vec<_> = entries.into_iter().filter_map(read).collect();
    actors.sort_by(|(_, a), (_, b)| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(actors)
}

/// The change that writes an actor.
pub(crate) fn write(project: &ProjectName, record: &ActorRecord, expected: Expected) -> EntryChange {
    let value = serde_json::to_value(record).expect("an actor has text keys only");
    EntryChange { id: entry_id(project, record.id.as_str()), value: Some(value), expected }
}

struct Quiet;

impl Progress for Quiet {
    fn line(&self, _text: &str) {}
}

/// How often an actor is deployed anew because its record changed meanwhile.
const DEPLOYS_MAX: u32 = 20;

/// What became of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deployed {
    /// The functions are what the record says.
    Done,
    /// The actor was deleted meanwhile, and has no functions.
    Gone,
}

/// Makes an actor's functions what its record says. `again` starts its workers anew whatever was said before.
///
/// Records change while this works, so the record is read once more at the end: one that is newer is deployed in its turn, and
/// what was made of one that is going or gone is taken away. So whoever writes or deletes a record last has the last word.
pub(crate) async fn deploy(
    engine: &Engine,
    config: &AbacoConfig,
    project: &ProjectName,
    record: &ActorRecord,
    again: bool,
) -> Result<Deployed, DeployError> {
    let mut record = record.clone();
    let mut again = again;
    for _ in 0..DEPLOYS_MAX {
        let deployed = apply(engine, config, project, &record, again).await;
        match find(engine, project, record.id.as_str()).await? {
            Some(Stored { record: now, .. }) if !now.is_going => {
                if now.definition == record.definition && now.revision == record.revision {
                    return deployed.map(|()| Deployed::Done);
                }
                record = now;
                again = false;
            }
            Some(_) | None => {
                remove_all(engine, project, &record).await?;
                return Ok(Deployed::Gone);
            }
        }
    }
    Err(StoreError::Stale.into())
}

async fn apply(
    engine: &Engine,
    config: &AbacoConfig,
    project: &ProjectName,
    record: &ActorRecord,
    again: bool,
) -> Result<(), DeployError> {
    let request = |function, spec, again| DeployRequest {
        source: Source::Spec { function, spec: Box::new(spec) },
        readiness: Readiness::Later,
        again,
        owner: None,
    };
    let webhook = record.webhook_function(project);
    match spec::of_webhook(record) {
        Some(spec) => {
            engine.deploy(request(webhook.clone(), spec, false), &Quiet).await?;
        }
        None => remove(engine, &webhook).await?,
    }
    let spec = spec::of_actor(record, project, config);
    engine.deploy(request(record.function(project), spec, again), &Quiet).await?;
    Ok(())
}

/// Deletes an actor's functions.
pub(crate) async fn remove_all(
    engine: &Engine,
    project: &ProjectName,
    record: &ActorRecord,
) -> Result<(), DeployError> {
    remove(engine, &record.webhook_function(project)).await?;
    remove(engine, &record.function(project)).await
}

/// Deletes a function that may not be there.
pub(crate) async fn remove(engine: &Engine, function: &FunctionRef) -> Result<(), DeployError> {
    if engine.function(function).is_none() {
        return Ok(());
    }
    match engine.delete(function).await {
        Ok(()) | Err(DeployError::NoFunction(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The actor's status, and what is to be said of it.
pub(crate) fn status(record: &ActorRecord, view: Option<&FunctionView>) -> (&'static str, String) {
    match view {
        _ if record.is_going => ("SHUTTING_DOWN", String::new()),
        Some(FunctionView { problem: Some(problem), .. }) => ("ERROR", problem.clone()),
        Some(view) if view.was_ready || record.was_ready => ("READY", " ".to_owned()),
        Some(_) | None => ("SUBMITTED", String::new()),
    }
}

/// Whether a worker of the actor's present image has been ready.
pub(crate) fn has_been_ready(record: &ActorRecord, view: Option<&FunctionView>) -> bool {
    record.was_ready || view.is_some_and(|view| view.was_ready)
}

/// The member that has the state.
pub(crate) const STATE: &str = "state";
/// What the states in one list may take together, in bytes.
const LISTED_STATES_BYTES_MAX: usize = 1024 * 1024;

/// The states of a list: shown as long as there is room for them.
pub(crate) struct States {
    left: usize,
}

impl Default for States {
    fn default() -> States {
        States { left: LISTED_STATES_BYTES_MAX }
    }
}

impl States {
    /// Adds its state to an actor's document, or `null` in its place when there is no room.
    pub(crate) async fn add(
        &mut self,
        engine: &Engine,
        project: &ProjectName,
        record: &ActorRecord,
        document: &mut Document,
    ) -> Result<(), StoreError> {
        let text = stored_state(engine, project, record).await?;
        let fits = text.as_ref().is_none_or(|text| text.len() <= self.left);
        let value = match text {
            Some(text) if fits => {
                self.left -= text.len();
                parsed(record, &text)?
            }
            Some(_) => Value::Null,
            None => json!({}),
        };
        document.insert(STATE.to_owned(), value);
        Ok(())
    }
}

/// The actor as searches see it; [`public`] takes away what answers do not show.
pub(crate) async fn document(
    engine: &Engine,
    config: &AbacoConfig,
    links: &Links,
    project: &ProjectName,
    record: &ActorRecord,
) -> Result<Document, StoreError> {
    let mut document = outline(engine, config, links, project, record).await?;
    document.insert(STATE.to_owned(), state(engine, project, record).await?);
    Ok(document)
}

/// The same without its state, which may be large.
pub(crate) async fn outline(
    engine: &Engine,
    config: &AbacoConfig,
    links: &Links,
    project: &ProjectName,
    record: &ActorRecord,
) -> Result<Document, StoreError> {
    let function = record.function(project);
    let view = engine.function(&function);
    let (status, status_message) = status(record, view.as_ref());
    let definition = &record.definition;
    let next_run = next_run(engine, &function, definition, engine.clock().now()).await?;
    let mut document = Map::new();
    let mut set = |name: &str, value: Value| document.insert(name.to_owned(), value);
    set("id", record.id.as_str().into());
    set("db_id", format!("{project}_{}", record.id).into());
    set("tenant", project.as_str().into());
    set("api_server", links.api_server().into());
    set("owner", record.owner.as_str().into());
    set("status", status.into());
    set("status_message", status_message.into());
    set("create_time", times::iso(record.created_at).into());
    set("last_update_time", times::iso(record.updated_at).into());
    set("revision", record.revision.into());
    set("mounts", mounts(record, project, config));
    set("cron_next_ex", next_run.into());
    set("_links", links.actor(&record.id, &record.owner));
    describe(definition, &mut document);
    Ok(document)
}

fn describe(definition: &Definition, document: &mut Document) {
    let mut set = |name: &str, value: Value| document.insert(name.to_owned(), value);
    set("name", json!(definition.name));
    set("image", json!(definition.image));
    set("description", json!(definition.description));
    set("stateless", json!(definition.stateless));
    set("type", json!(definition.kind));
    set("default_environment", json!(definition.default_environment));
    set("hints", json!(definition.hints));
    set("link", json!(definition.link));
    set("webhook", json!(definition.webhook));
    set("token", definition.token.clone());
    set("privileged", json!(definition.privileged));
    set("max_workers", json!(definition.max_workers));
    set("mem_limit", json!(definition.mem_limit));
    set("max_cpus", json!(definition.max_cpus));
    set("use_container_uid", json!(definition.use_container_uid));
    set("queue", json!(definition.queue));
    set("log_ex", json!(definition.log_ex));
    set("cron_on", json!(definition.cron_on));
    set("cron_schedule", json!(definition.cron.as_ref().map(|cron| &cron.text)));
    set("uid", json!(definition.uid));
    set("gid", json!(definition.gid));
    set("tasdir", json!(definition.tasdir));
}

/// What answers never show.
const HIDDEN: [&str; 3] = ["tenant", "db_id", "api_server"];

/// The actor as answers show it.
pub(crate) fn public(mut document: Document) -> Document {
    document.retain(|name, _| !HIDDEN.contains(&name.as_str()));
    document
}

/// The state of an actor; `{}` while it has none.
pub(crate) async fn state(engine: &Engine, project: &ProjectName, record: &ActorRecord) -> Result<Value, StoreError> {
    match stored_state(engine, project, record).await? {
        Some(text) => parsed(record, &text),
        None => Ok(json!({})),
    }
}

fn parsed(record: &ActorRecord, text: &[u8]) -> Result<Value, StoreError> {
    serde_json::from_slice(text)
        .map_err(|error| StoreError::Failed(format!("the state of actor {} is no JSON: {error}", record.id)))
}

async fn stored_state(
    engine: &Engine,
    project: &ProjectName,
    record: &ActorRecord,
) -> Result<Option<Bytes>, StoreError> {
    if record.definition.stateless {
        return Ok(None);
    }
    match engine.state(&record.function(project), "").await {
        Ok(state) => Ok(state.map(|state| state.value)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn mounts(record: &ActorRecord, project: &ProjectName, config: &AbacoConfig) -> Value {
    let mounts = resources::mounts(config, spec::whose(record, project), record.definition.privileged);
    let show = |mount: Mount| {
        let mode = if mount.read_only { "ro" } else { "rw" };
        json!({"host_path": mount.source, "container_path": mount.target, "mode": mode})
    };
    mounts.into_iter().map(show).collect()
}

/// The next scheduled run. In the hour in which the schedule begins, only the store knows whether that run was.
async fn next_run(
    engine: &Engine,
    function: &FunctionRef,
    definition: &Definition,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let Some(record) = &definition.cron else { return Ok(None) };
    if record.start > now {
        return Ok(Some(cron::show(record.start)));
    }
    let stored = match record.start == cron::floor(now) {
        true => engine.store().schedules().await?.into_iter().find(|one| one.function == *function),
        false => None,
    };
    let next = match stored {
        Some(stored) => Some(stored.next_at),
        None => Schedule::parse(&record.schedule, None).ok().and_then(|schedule| schedule.next_after(now)),
    };
    Ok(next.map(cron::show))
}
