//! Functions and their revisions.

use axum::{Json, body::Body, extract::State, http::StatusCode};
use tidemill_api::{Deployed, Function, FunctionList, Revision, RevisionList, Rollback, Workers, route};
use tidemill_core::{FunctionRef, RevisionNumber, access::ObjectKind};
use tidemill_engine::FunctionView;

use super::{
    Problems, deploy,
    extract::{InProject, Params, json, no_function},
    scope::Scope,
};
use crate::{refusal::Refusal, shared::App, shield::Shield};

fn wire(view: &FunctionView) -> Function {
    Function {
        project: view.function.project.to_string(),
        name: view.function.name.to_string(),
        revision: view.revision.0,
        state: view.desired.as_str().to_owned(),
        spec: view.spec.as_ref().into(),
        workers: Workers {
            ready: view.workers.ready,
            starting: view.workers.starting,
            busy_slots: view.workers.busy_slots,
            waiting: view.workers.waiting,
            min: view.workers.min,
            max: view.workers.max,
        },
        queued: view.queued,
        running: view.running,
        addresses: view.addresses.clone(),
        problem: view.problem.clone(),
        created_at: view.created_at.into(),
        updated_at: view.updated_at.into(),
    }
}

fn find(app: &App, function: &FunctionRef) -> Result<FunctionView, Refusal> {
    app.engine.function(function).ok_or_else(|| no_function(app, function))
}

/// The functions of a project, by name.
#[utoipa::path(get, path = route::FUNCTIONS, tag = "functions", operation_id = "list_functions", params(InProject),
    responses(Problems, (status = 200, description = "The functions.", body = FunctionList)))]
pub(super) async fn list(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<FunctionList>, Refusal> {
    let readable = scope.readable(&app, ObjectKind::Function).await?;
    let functions = app.engine.functions(Some(scope.project()));
    let functions = functions.iter().filter(|view| readable.has(view.function.name.as_str())).map(wire).collect();
    Ok(Json(FunctionList { functions }))
}

/// One function.
#[utoipa::path(get, path = route::FUNCTION, tag = "functions", operation_id = "show_function",
    params(("name" = String, Path, description = "The function."), InProject),
    responses(Problems, (status = 200, description = "The function.", body = Function)))]
pub(super) async fn show(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<Function>, Refusal> {
    let function = scope.function();
    Ok(Json(wire(&find(&app, &function)?)))
}

/// Deletes a function with its revisions, queue, history and logs.
#[utoipa::path(delete, path = route::FUNCTION, tag = "functions", operation_id = "delete_function",
    params(("name" = String, Path, description = "The function."), InProject),
    responses(Problems, (status = 204, description = "It is gone.")))]
pub(super) async fn delete(State(app): State<App>, scope: Scope, _: Params<InProject>) -> Result<StatusCode, Refusal> {
    let function = scope.function();
    let engine = app.engine.clone();
    Shield::new(async move { engine.delete(&function).await }, &app.tasks).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops running a function's events; asynchronous ones are still accepted.
#[utoipa::path(post, path = route::PAUSE, tag = "functions", operation_id = "pause_function",
    params(("name" = String, Path, description = "The function."), InProject),
    responses(Problems, (status = 200, description = "The function as it stands now.", body = Function)))]
pub(super) async fn pause(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<Function>, Refusal> {
    let function = scope.function();
    let (engine, paused) = (app.engine.clone(), function.clone());
    Shield::new(async move { engine.pause(&paused).await }, &app.tasks).await?;
    Ok(Json(wire(&find(&app, &function)?)))
}

/// Ends a pause.
#[utoipa::path(post, path = route::RESUME, tag = "functions", operation_id = "resume_function",
    params(("name" = String, Path, description = "The function."), InProject),
    responses(Problems, (status = 200, description = "The function as it stands now.", body = Function)))]
pub(super) async fn resume(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<Function>, Refusal> {
    let function = scope.function();
    let (engine, resumed) = (app.engine.clone(), function.clone());
    Shield::new(async move { engine.resume(&resumed).await }, &app.tasks).await?;
    Ok(Json(wire(&find(&app, &function)?)))
}

/// Makes an earlier revision the active one.
#[utoipa::path(post, path = route::ROLLBACK, tag = "functions", operation_id = "rollback_function",
    params(("name" = String, Path, description = "The function."), InProject), request_body = Option<Rollback>,
    responses(Problems, (status = 200, description = "What serves now.", body = Deployed)))]
pub(super) async fn rollback(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
    body: Body,
) -> Result<Json<Deployed>, Refusal> {
    let function = scope.function();
    let wanted: Rollback = json(&app, body).await?;
    deploy::may_go_back(&app, &scope, &function, wanted.revision).await?;
    let engine = app.engine.clone();
    let work = async move { engine.rollback(&function, wanted.revision.map(RevisionNumber)).await };
    let deployed = Shield::new(work, &app.tasks).await?;
    Ok(Json(deploy::wire(&app, deployed)))
}

/// The revisions of a function, newest first.
#[utoipa::path(get, path = route::REVISIONS, tag = "functions", operation_id = "list_revisions",
    params(("name" = String, Path, description = "The function."), InProject),
    responses(Problems, (status = 200, description = "The revisions.", body = RevisionList)))]
pub(super) async fn revisions(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<RevisionList>, Refusal> {
    let function = scope.function();
    let active = find(&app, &function)?.revision.0;
    let records = app.engine.store().revisions(&function).await?;
    let revisions = records.iter().map(|record| Revision::new(record, active)).collect();
    Ok(Json(RevisionList { revisions }))
}
