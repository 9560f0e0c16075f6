//! Numbers of the whole server: utilization, and the pages of admins. They span all tenants.

use serde_json::{Value, json};
use tidemill_core::ports::{StoreError, Usage};
use tidemill_engine::WorkerStatus;

use super::{
    actor,
    envelope::Answer,
    exchange::Exchange,
    executions::seconds,
    going::{self, Gone},
    record::ActorRecord,
    workers,
};

async fn usage(x: &Exchange, project: &tidemill_core::ProjectName, actor: &ActorRecord) -> Result<Usage, StoreError> {
    match x.engine().store().usage(&actor.function(project)).await {
        Err(StoreError::NotFound) => Ok(Usage::default()),
        usage => usage,
    }
}

/// `GET /actors/utilization`. Spelled in one way on every server.
pub(crate) async fn utilization(x: &Exchange) -> Answer {
    let actors = actor::all(x.engine(), None).await?;
    let gone = going::totals(x.engine()).await?;
    let statuses = actors.iter().flat_map(|(project, actor)| x.engine().workers(&actor.function(project)));
    let statuses: Vec<WorkerStatus> = statuses.map(|worker| worker.status).collect();
    let starting = statuses.iter().filter(|status| **status == WorkerStatus::Starting).count();
    let result = json!({
        "currentActors": actors.len(),
        "totalActors": actors.len() as u64 + gone.actors,
        "workers": statuses.len(),
        "commandQueue": starting,
    });
    Ok(x.answer("Utilization retrieved successfully.", result))
}

/// `GET /actors/admin`.
pub(crate) async fn actors(x: &Exchange) -> Answer {
    let mut documents = Vec::new();
    let mut states = actor::States::default();
    for (project, actor) in actor::all(x.engine(), None).await? {
        let mut document = actor::outline(x.engine(), x.config(), &x.links, &project, &actor).await?;
        states.add(x.engine(), &project, &actor, &mut document).await?;
        let usage = usage(x, &project, &actor).await?;
        let workers = workers::documents(x, &project, &actor).into_iter();
        let workers: Vec<Value> = workers.map(|worker| Value::Object(x.case().show(worker))).collect();
        let queued = x.engine().function(&actor.function(&project)).map_or(0, |view| view.queued);
        document.insert("workers".to_owned(), workers.into());
        document.insert("messages".to_owned(), queued.into());
        document.insert("executions".to_owned(), usage.executions.into());
        document.insert("runtime".to_owned(), seconds(usage.run_us).into());
        documents.push(document);
    }
    Ok(x.show_all("Actors retrieved successfully.", documents))
}

/// `GET /actors/admin/workers`.
pub(crate) async fn workers(x: &Exchange) -> Answer {
    let (mut ready, mut requested, mut busy, mut stopping, mut without) = (0u64, 0u64, 0u64, 0u64, 0u64);
    let mut documents = Vec::new();
    for (project, actor) in actor::all(x.engine(), None).await? {
        let of_actor = workers::documents(x, &project, &actor);
        without += u64::from(of_actor.is_empty());
        for mut worker in of_actor {
            match worker["status"].as_str() {
                Some("READY") => ready += 1,
                Some("REQUESTED") => requested += 1,
                Some("BUSY") => busy += 1,
                _ => stopping += 1,
            }
            worker.insert("actor_dbid".to_owned(), format!("{project}_{}", actor.id).into());
            documents.push(Value::Object(x.case().show(worker)));
        }
    }
    let summary = json!({
        "total_workers": documents.len(),
        "ready_workers": ready,
        "requested_workers": requested,
        // A worker that fails is gone; its actor's status says why.
        "error_workers": 0,
        "busy_workers": busy,
        "shutting_down_workers": stopping,
        "actors_no_workers": without,
    });
    Ok(x.answer("Workers retrieved successfully.", json!({"summary": spelled(x, summary), "workers": documents})))
}

/// `GET /actors/admin/executions`.
pub(crate) async fn executions(x: &Exchange) -> Answer {
    let mut existing = Gone::default();
    let mut documents = Vec::new();
    for (project, actor) in actor::all(x.engine(), None).await? {
        let usage = usage(x, &project, &actor).await?;
        existing.add(usage);
        let document = json!({
            "actor_id": actor.id.as_str(),
            "owner": actor.owner,
            "image": actor.definition.image,
            "total_executions": usage.executions,
            "total_execution_cpu": usage.cpu_ns,
            "total_execution_io": usage.io_bytes,
            "total_execution_runtime": seconds(usage.run_us),
        });
        documents.push(spelled(x, document));
    }
    let gone = going::totals(x.engine()).await?;
    let all = existing.plus(&gone);
    let summary = json!({
        "total_actors_all": all.actors,
        "total_actors_all_with_executions": all.actors_with_executions,
        "total_executions_all": all.executions,
        "total_execution_runtime_all": seconds(all.run_us),
        "total_execution_cpu_all": all.cpu_ns,
        "total_execution_io_all": all.io_bytes,
        "total_actors_existing": existing.actors,
        "total_actors_existing_with_executions": existing.actors_with_executions,
        "total_executions_existing": existing.executions,
        "total_execution_runtime_existing": seconds(existing.run_us),
        "total_execution_cpu_existing": existing.cpu_ns,
        "total_execution_io_existing": existing.io_bytes,
    });
    Ok(x.answer("Executions retrieved successfully.", json!({"summary": spelled(x, summary), "actors": documents})))
}

fn spelled(x: &Exchange, document: Value) -> Value {
    match document {
        Value::Object(document) => Value::Object(x.case().spell(document)),
        other => other,
    }
}
