//! `/actors/{actor}/workers`.

use serde_json::{Map, Value};
use tidemill_core::ProjectName;
use tidemill_engine::{WorkerStatus, WorkerView};

use super::{
    envelope::{Answer, Fault},
    exchange::Exchange,
    finder,
    record::ActorRecord,
    search::Document,
    times,
};

/// The status under Abaco's name.
pub(crate) fn status(status: WorkerStatus) -> &'static str {
    match status {
        WorkerStatus::Starting => "REQUESTED",
        WorkerStatus::Ready => "READY",
        WorkerStatus::Busy => "BUSY",
        WorkerStatus::Stopping => "SHUTTING_DOWN",
    }
}

/// The workers of an actor as searches see them, the oldest first.
pub(crate) fn documents(x: &Exchange, project: &ProjectName, actor: &ActorRecord) -> Vec<Document> {
    let workers = x.engine().workers(&actor.function(project));
    workers.iter().map(|worker| document(x, project, actor, worker)).collect()
}

fn document(x: &Exchange, project: &ProjectName, actor: &ActorRecord, worker: &WorkerView) -> Document {
    let mut document = Map::new();
    let mut set = |name: &str, value: Value| document.insert(name.to_owned(), value);
    set("id", worker.id.as_str().into());
    set("actor_id", actor.id.as_str().into());
    set("tenant", project.as_str().into());
    set("status", status(worker.status).into());
    set("create_time", times::iso(worker.started_at).into());
    let last = worker.last_call_at.map_or_else(|| "None".to_owned(), times::iso);
    set("last_execution_time", last.into());
    // It was looked at just now.
    set("last_health_check_time", times::iso(x.received_at).into());
    let is_up = worker.status != WorkerStatus::Starting;
    let up = |value: String| if is_up { Value::String(value) } else { Value::Null };
    let place = &worker.place;
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    set("image", up(or(&place.image, &actor.definition.image)));
    set("location", up(or(&place.driver, "tidemill")));
    set("cid", up(or(&place.instance, &worker.id)));
    set("ch_name", up(format!("worker_{}", worker.id)));
    set("host_id", up(x.app.info.node.clone()));
    set("host_ip", up(x.app.config.listen.ip().to_string()));
    document
}

/// A worker as its actor's list shows it.
fn public(mut document: Document) -> Document {
    document.remove("actor_id");
    document
}

/// `GET` of the collection.
pub(crate) async fn list(x: &Exchange) -> Answer {
    let actor = x.actor()?;
    if x.is_search() {
        return Ok(x.answer("Workers search completed successfully.", finder::workers(x, actor)?));
    }
    let workers = documents(x, x.project(), actor).into_iter().map(public);
    Ok(x.show_all("Workers retrieved successfully.", workers))
}

/// `POST`: at least so many workers now.
pub(crate) async fn ensure(x: &Exchange) -> Answer {
    let actor = x.actor()?;
    let number = x.fields.integer("num").map_err(|error| Fault::bad(format!("Invalid POST: {error}")))?;
    let most = x.config().workers_ensured_max;
    let number = match number {
        None | Some(0) => 1,
        Some(number) => u32::try_from(number)
            .ok()
            .filter(|number| *number <= most)
            .ok_or_else(|| Fault::bad(format!("Invalid POST: the number of workers must be from 1 to {most}.")))?,
    };
    let ensured = x.engine().ensure_workers(&actor.function(x.project()), number).await?;
    let message = if ensured.started > 0 {
        format!(
            "Scheduled {} new worker(s) to start. Previously, there were {} workers.",
            ensured.started, ensured.before
        )
    } else {
        format!("Actor {} already had {number} worker(s).", actor.id)
    };
    Ok(x.answer(&message, Value::Null))
}

/// `GET` of one.
pub(crate) async fn show(x: &Exchange) -> Answer {
    let id = x.param("worker");
    let found = documents(x, x.project(), x.actor()?).into_iter().find(|worker| worker["id"] == id);
    let worker = found.ok_or_else(|| Fault::missing("Worker not found."))?;
    Ok(x.show("Worker retrieved successfully.", public(worker)))
}

/// `DELETE`: it finishes its execution and goes.
pub(crate) async fn stop(x: &Exchange) -> Answer {
    if !x.engine().stop_worker(&x.actor()?.function(x.project()), x.param("worker")).await? {
        return Err(Fault::missing("Worker not found."));
    }
    Ok(x.answer("Worker scheduled to be stopped.", Value::Null))
}
