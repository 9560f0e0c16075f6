//! `/actors/{actor}/executions` and one of them: invocations under Abaco's names.

use serde_json::{Map, Value, json};
use tidemill_core::{
    FunctionRef, InvocationId, ProjectName,
    invocation::{Invocation, RunReport, Status},
    ports::{InvocationDetail, InvocationFilter, StoreError},
};
use tidemill_engine::Engine;

use super::{
    envelope::{Answer, Fault},
    exchange::Exchange,
    finder,
    links::Links,
    record::ActorRecord,
    search::Document,
    times,
};

/// Executions of an actor that are listed: the newest.
pub(crate) const LISTED_MAX: usize = 10_000;
/// Read at once.
const PAGE: u32 = 500;

/// The status under Abaco's name. A container that was stopped has completed; what ended it stands beside.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Queued => "SUBMITTED",
        Status::Running => "RUNNING",
        Status::Succeeded | Status::Cancelled => "COMPLETE",
        Status::Failed | Status::DeadLettered => "ERROR",
    }
}

/// The newest invocations of a function, at most `max`, the oldest of them first.
pub(crate) async fn all(engine: &Engine, function: &FunctionRef, max: usize) -> Result<Vec<Invocation>, StoreError> {
    let mut found: Vec<Invocation> = Vec::new();
    loop {
        let left = u32::try_from(max.saturating_sub(found.len())).unwrap_or(u32::MAX);
        if left == 0 {
            break;
        }
        let filter = InvocationFilter {
            project: function.project.clone(),
            function: Some(function.clone()),
            before: found.last().map(|last| last.id),
            limit: left.min(PAGE),
            ..InvocationFilter::default()
        };
        let page = engine.store().invocations(filter).await?;
        found.extend(page.items);
        if !page.more {
            break;
        }
    }
    found.reverse();
    Ok(found)
}

/// The execution of the path, if there is one of the actor.
pub(crate) async fn look(x: &Exchange) -> Result<Option<InvocationDetail>, Fault> {
    let function = x.actor()?.function(x.project());
    let Ok(id) = x.param("execution").parse() else { return Ok(None) };
    Ok(detail(x.engine(), id).await?.filter(|detail| detail.invocation.function == function))
}

/// An execution by its id; `None` when it was forgotten.
pub(crate) async fn detail(engine: &Engine, id: InvocationId) -> Result<Option<InvocationDetail>, StoreError> {
    match engine.store().invocation(id).await {
        Ok(detail) => Ok(Some(detail)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The execution of the path.
pub(crate) async fn find(x: &Exchange) -> Result<InvocationDetail, Fault> {
    let (actor, execution) = (x.actor()?, x.param("execution"));
    let missing =
        || Fault::bad(format!("No executions found with actor id of {} and execution id of {execution}.", actor.id));
    look(x).await?.ok_or_else(missing)
}

/// `GET` of the collection: totals and a line for each execution.
pub(crate) async fn list(x: &Exchange) -> Answer {
    let actor = x.actor()?;
    if x.is_search() {
        let hits = finder::executions(x, actor).await?;
        return Ok(x.answer("Executions search completed successfully.", hits));
    }
    let function = actor.function(x.project());
    let usage = match x.engine().store().usage(&function).await {
        Err(StoreError::NotFound) => Default::default(),
        usage => usage?,
    };
    let lines = all(x.engine(), &function, LISTED_MAX).await?.into_iter().map(|invocation| {
        let Value::Object(line) = json!({
            "id": invocation.id.to_string(),
            "status": status(invocation.status),
            "start_time": invocation.started_at.map(times::iso),
            "finish_time": invocation.finished_at.map(times::iso),
            "message_received_time": times::iso(invocation.received_at),
        }) else {
            return Value::Null;
        };
        Value::Object(x.case().spell(line))
    });
    let Value::Object(document) = json!({
        "actor_id": actor.id.as_str(),
        "api_server": x.links.api_server(),
        "owner": actor.owner,
        "total_executions": usage.executions,
        "total_cpu": usage.cpu_ns,
        "total_io": usage.io_bytes,
        "total_runtime": seconds(usage.run_us),
        "executions": lines.collect::<Vec<_>>(),
        "_links": x.links.part(&actor.id, "executions", &actor.owner),
    }) else {
        return Err(Fault::broken(&"a document is an object"));
    };
    Ok(x.show("Actor executions retrieved successfully.", document))
}

/// `POST` of the collection: Abaco promises to record an execution by hand, and never does.
pub(crate) async fn record(x: &Exchange) -> Answer {
    for name in ["runtime", "cpu", "io"] {
        let found = x.fields.integer(name).map_err(|error| Fault::bad(format!("Invalid execution: {error}")))?;
        if found.is_none() {
            return Err(Fault::bad(format!("Invalid execution: Required field {name} missing.")));
        }
    }
    Err(Fault::bad("Required field executor missing."))
}

/// `GET` of one.
pub(crate) async fn show(x: &Exchange) -> Answer {
    let detail = find(x).await?;
    let document = document(&x.links, x.project(), x.actor()?, &detail);
    Ok(x.show("Actor execution retrieved successfully.", public(document, true)))
}

/// `DELETE`: ends it by force.
pub(crate) async fn stop(x: &Exchange) -> Answer {
    let detail = find(x).await?;
    let id = detail.invocation.id;
    if detail.invocation.status != Status::Running {
        let found = status(detail.invocation.status);
        return Err(not_running(found));
    }
    match x.engine().cancel(id).await {
        Ok(_) => {}
        Err(StoreError::Conflict(_)) => return Err(not_running(status(find(x).await?.invocation.status))),
        Err(error) => return Err(error.into()),
    }
    Ok(x.answer(&format!("Issued force quit command for execution {id}."), Value::Null))
}

fn not_running(found: &str) -> Fault {
    Fault::bad(format!("Cannot force quit an execution not in RUNNING status. Execution was found in status: {found}"))
}

/// Whole seconds, as Abaco counts run time.
pub(crate) fn seconds(micros: u64) -> u64 {
    micros / 1_000_000
}

/// An execution as searches see it.
pub(crate) fn document(
    links: &Links,
    project: &ProjectName,
    actor: &ActorRecord,
    detail: &InvocationDetail,
) -> Document {
    let invocation = &detail.invocation;
    let id = invocation.id.to_string();
    let attempt = detail.attempts.last();
    let report = attempt.and_then(|attempt| attempt.report.clone());
    let has_ended = invocation.status.is_final();
    let (exit_code, final_state) = ending(report.as_ref(), has_ended);
    let measured = report.as_ref().filter(|report| report.run_us > 0).map(|report| report.run_us);
    let run_us = measured.or_else(|| {
        let ran = attempt.filter(|_| has_ended).map(|attempt| attempt.finished_at.since(attempt.started_at));
        ran.map(|ran| u64::try_from(ran.as_micros()).unwrap_or(u64::MAX))
    });
    let mut document = Map::new();
    let mut set = |name: &str, value: Value| document.insert(name.to_owned(), value);
    set("id", id.as_str().into());
    set("actor_id", actor.id.as_str().into());
    set("tenant", project.as_str().into());
    set("api_server", links.api_server().into());
    set("executor", invocation.event.caller.as_str().into());
    let worker = attempt.map(|attempt| attempt.worker.as_str()).filter(|worker| !worker.is_empty());
    set("worker_id", worker.into());
    set("status", status(invocation.status).into());
    set("message_received_time", times::iso(invocation.received_at).into());
    set("start_time", invocation.started_at.map(times::iso).into());
    set("finish_time", invocation.finished_at.map(times::iso).into());
    set("runtime", run_us.map_or(0, seconds).into());
    set("cpu", report.as_ref().map_or(0, |report| report.cpu_ns).into());
    set("io", report.as_ref().map_or(0, |report| report.io_bytes).into());
    set("exit_code", exit_code);
    set("final_state", final_state);
    set("reason", Some(invocation.reason.as_str()).filter(|reason| !reason.is_empty()).into());
    set("_links", links.execution(&actor.id, &id, &actor.owner));
    document
}

fn ending(report: Option<&RunReport>, has_ended: bool) -> (Value, Value) {
    if !has_ended {
        return (Value::Null, Value::Null);
    }
    let exit_code = report.and_then(|report| report.exit_code);
    let state = report.map(|report| report.final_state.clone()).filter(|state| !state.is_null());
    (
        exit_code.map_or_else(|| "undetermined".into(), Value::from),
        state.unwrap_or_else(|| json!({"unavailable": true})),
    )
}

/// An execution as answers show it.
pub(crate) fn public(mut document: Document, with_server: bool) -> Document {
    document.retain(|name, _| name != "tenant" && (with_server || name != "api_server"));
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_abaco_s_names() {
        let names: Vec<_> = Status::ALL.into_iter().map(|one| (one.as_str(), status(one))).collect();
        assert_eq!(
            names,
            [
                ("queued", "SUBMITTED"),
                ("running", "RUNNING"),
                ("succeeded", "COMPLETE"),
                ("failed", "ERROR"),
                ("dead_lettered", "ERROR"),
                ("cancelled", "COMPLETE"),
            ]
        );
    }

    #[test]
    fn what_is_not_known_of_an_end_is_said() {
        assert_eq!(ending(None, false), (Value::Null, Value::Null));
        assert_eq!(ending(None, true), ("undetermined".into(), json!({"unavailable": true})));
        let report = RunReport { exit_code: Some(3), final_state: json!({"ExitCode": 3}), ..RunReport::default() };
        assert_eq!(ending(Some(&report), true), (3.into(), json!({"ExitCode": 3})));
    }
}
