//! Queues and dead letters.

use axum::{Json, extract::State};
use serde::Deserialize;
use tidemill_api::{Count, Queue, QueueList, route};
use tidemill_core::{access::ObjectKind, ports::QueueStats};
use utoipa::IntoParams;

use super::{
    Problems,
    extract::{InProject, Params, no_function},
    scope::Scope,
};
use crate::{refusal::Refusal, shared::App, shield::Shield};

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HowMany {
    /// The project; `default` when absent, or the one that the token is of.
    #[expect(dead_code, reason = "the layer of authorization reads it")]
    project: Option<String>,
    /// At most so many, oldest first; all when absent.
    limit: Option<u32>,
}

/// What to purge.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Purge {
    /// The project; `default` when absent, or the one that the token is of.
    #[expect(dead_code, reason = "the layer of authorization reads it")]
    project: Option<String>,
    /// At most so many, oldest first; all when absent.
    limit: Option<u32>,
    /// `true` deletes waiting invocations instead of dead-lettered ones.
    queued: Option<bool>,
}

/// The queues of a project.
#[utoipa::path(get, path = route::QUEUES, tag = "queues", operation_id = "list_queues", params(InProject),
    responses(Problems, (status = 200, description = "The queues.", body = QueueList)))]
pub(super) async fn list(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<QueueList>, Refusal> {
    let readable = scope.readable(&app, ObjectKind::Function).await?;
    let stats = app.engine.store().queues(scope.project(), None).await?;
    let queues = stats.iter().filter(|queue| readable.has(queue.function.name.as_str())).map(Queue::from).collect();
    Ok(Json(QueueList { queues }))
}

/// The queue of a function.
#[utoipa::path(get, path = route::QUEUE, tag = "queues", operation_id = "show_queue",
    params(("function" = String, Path, description = "The function."), InProject),
    responses(Problems, (status = 200, description = "The queue.", body = Queue)))]
pub(super) async fn show(State(app): State<App>, scope: Scope, _: Params<InProject>) -> Result<Json<Queue>, Refusal> {
    let function = scope.function();
    if app.engine.target(&function).is_none() {
        return Err(no_function(&app, &function));
    }
    let stats = app.engine.store().queues(&function.project, Some(&function)).await?;
    let empty = QueueStats { function, queued: 0, running: 0, dead_lettered: 0, oldest: None };
    Ok(Json(stats.first().unwrap_or(&empty).into()))
}

/// Queues dead-lettered invocations again.
#[utoipa::path(post, path = route::REDRIVE, tag = "queues", operation_id = "redrive_queue",
    params(("function" = String, Path, description = "The function."), HowMany),
    responses(Problems, (status = 200, description = "How many were redriven.", body = Count)))]
pub(super) async fn redrive(
    State(app): State<App>,
    scope: Scope,
    Params(query): Params<HowMany>,
) -> Result<Json<Count>, Refusal> {
    let function = scope.function();
    if app.engine.target(&function).is_none() {
        return Err(no_function(&app, &function));
    }
    let (engine, limit) = (app.engine.clone(), query.limit.unwrap_or(u32::MAX));
    let count = Shield::new(async move { engine.redrive(&function, limit).await }, &app.tasks).await?;
    Ok(Json(Count { count }))
}

/// Deletes dead-lettered invocations, or the waiting ones.
#[utoipa::path(post, path = route::PURGE, tag = "queues", operation_id = "purge_queue",
    params(("function" = String, Path, description = "The function."), Purge),
    responses(Problems, (status = 200, description = "How many were deleted.", body = Count)))]
pub(super) async fn purge(
    State(app): State<App>,
    scope: Scope,
    Params(query): Params<Purge>,
) -> Result<Json<Count>, Refusal> {
    let function = scope.function();
    if app.engine.target(&function).is_none() {
        return Err(no_function(&app, &function));
    }
    let (engine, limit, queued) = (app.engine.clone(), query.limit.unwrap_or(u32::MAX), query.queued.unwrap_or(false));
    let count = Shield::new(async move { engine.purge(&function, queued, limit).await }, &app.tasks).await?;
    Ok(Json(Count { count }))
}
