//! Invocations: what became of them.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tidemill_api::{Accepted, Cancelled, ErrorCode, Invocation, InvocationDetail, InvocationPage, route};
use tidemill_core::{
    Timestamp,
    invocation::Status,
    ports::{CancelResult, InvocationFilter, StoreError},
};
use utoipa::IntoParams;

use super::{
    Problems,
    extract::{Params, function, invocation, project, wait},
};
use crate::{gateway, refusal::Refusal, reply, shared::App};

/// The size of a page when none is asked for.
const PAGE: u32 = 50;
/// The largest page.
const PAGE_MAX: u32 = 1000;

/// Which invocations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The project; `default` when absent.
    project: Option<String>,
    /// Of this function.
    function: Option<String>,
    /// In this status, as in `dead_lettered`.
    status: Option<String>,
    /// Received at or after this time (RFC 3339).
    since: Option<String>,
    /// Received before this time (RFC 3339).
    until: Option<String>,
    /// Older than this invocation: `next` of the page before.
    before: Option<String>,
    /// The size of the page, at most 1000; 50 when absent.
    limit: Option<u32>,
}

/// How long to wait for the end.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Patience {
    /// Waits until it has ended, no longer than this, as in `30s`.
    wait: Option<String>,
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let parse = |text: &str| {
        Timestamp::parse_rfc3339(text).ok_or_else(|| {
            Refusal::parameter(name, format!("{text:?} is not a time; write it as in 2026-11-22T01:02:03Z"))
        })
    };
    text.map(parse).transpose()
}

fn status(text: Option<&str>) -> Result<Option<Status>, Refusal> {
    let parse = |text: &str| {
        Status::parse(text).ok_or_else(|| {
            let words = Status::ALL.map(Status::as_str).join(", ");
            Refusal::parameter("status", format!("{text:?} is none; there are {words}"))
        })
    };
    text.map(parse).transpose()
}

/// Invocations, newest first.
#[utoipa::path(get, path = route::INVOCATIONS, tag = "invocations", operation_id = "list_invocations", params(Which),
    responses(Problems, (status = 200, description = "A page of invocations.", body = InvocationPage)))]
pub(super) async fn list(
    State(app): State<App>,
    Params(which): Params<Which>,
) -> Result<Json<InvocationPage>, Refusal> {
    let of = which.project.as_deref();
    let filter = InvocationFilter {
        project: project(of)?,
        function: which.function.as_deref().map(|name| function(of, name)).transpose()?,
        status: status(which.status.as_deref())?,
        since: time("since", which.since.as_deref())?,
        until: time("until", which.until.as_deref())?,
        before: which.before.as_deref().map(invocation).transpose()?,
        limit: which.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX),
    };
    let page = app.engine.store().invocations(filter).await?;
    let next = page.items.last().filter(|_| page.more).map(|last| last.id.0);
    Ok(Json(InvocationPage { invocations: page.items.iter().map(Invocation::from).collect(), next }))
}

/// One invocation with its attempts.
#[utoipa::path(get, path = route::INVOCATION, tag = "invocations", operation_id = "show_invocation",
    params(("id" = uuid::Uuid, Path, description = "The invocation."), Patience),
    responses(Problems, (status = 200, description = "The invocation.", body = InvocationDetail)))]
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    Params(patience): Params<Patience>,
) -> Result<Json<InvocationDetail>, Refusal> {
    let id = invocation(&id)?;
    let detail = app.wait(id, wait(patience.wait.as_deref())?).await;
    Ok(Json((&detail.map_err(|error| Refusal::of_invocation(error, id))?).into()))
}

/// The response of an invocation as the function gave it: status, headers, body.
#[utoipa::path(get, path = route::RESULT, tag = "invocations", operation_id = "show_result",
    params(("id" = uuid::Uuid, Path, description = "The invocation."), Patience),
    responses(Problems, (status = 200, description = "The response; its status is the function's.", body = String, content_type = "*/*")))]
pub(super) async fn result(
    State(app): State<App>,
    Path(id): Path<String>,
    Params(patience): Params<Patience>,
) -> Result<Response, Refusal> {
    let id = invocation(&id)?;
    let detail = app.wait(id, wait(patience.wait.as_deref())?).await;
    let invocation = detail.map_err(|error| Refusal::of_invocation(error, id))?.invocation;
    if !invocation.status.is_final() {
        let detail = format!("invocation {id} is {}", invocation.status.as_str());
        return Err(Refusal::new(ErrorCode::NotFinished, detail).hint("?wait=30s waits for it").retry_after(1));
    }
    Ok(reply::into_axum(gateway::result(&app, &invocation).await?))
}

/// The body of an invocation's event.
#[utoipa::path(get, path = route::EVENT, tag = "invocations", operation_id = "show_event",
    params(("id" = uuid::Uuid, Path, description = "The invocation.")),
    responses(Problems, (status = 200, description = "The body.", body = String, content_type = "*/*")))]
pub(super) async fn event(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let id = invocation(&id)?;
    let store = app.engine.store();
    let detail = store.invocation(id).await.map_err(|error| Refusal::of_invocation(error, id))?;
    let read = async { store.event_body(id).await.map_err(|error| Refusal::of_invocation(error, id)) };
    let body = app.stored(read, |body| body).await?;
    let content_type = HeaderValue::try_from(detail.invocation.event.content_type)
        .ok()
        .filter(|value| !value.is_empty())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// Cancels an invocation that has not ended.
#[utoipa::path(post, path = route::CANCEL, tag = "invocations", operation_id = "cancel_invocation",
    params(("id" = uuid::Uuid, Path, description = "The invocation.")),
    responses(Problems,
        (status = 200, description = "It is cancelled.", body = Cancelled),
        (status = 202, description = "It runs and is being ended.", body = Cancelled)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Cancelled>), Refusal> {
    let id = invocation(&id)?;
    let result = app.engine.cancel(id).await.map_err(|error| Refusal::of_invocation(error, id))?;
    let (status, result) = match result {
        CancelResult::Cancelled => (StatusCode::OK, "cancelled"),
        CancelResult::Requested => (StatusCode::ACCEPTED, "requested"),
    };
    Ok((status, Json(Cancelled { id: id.0, result: result.to_owned() })))
}

/// Runs an invocation that has ended once more.
#[utoipa::path(post, path = route::RETRY, tag = "invocations", operation_id = "retry_invocation",
    params(("id" = uuid::Uuid, Path, description = "The invocation.")),
    responses(Problems, (status = 202, description = "It is queued.", body = Accepted)))]
pub(super) async fn retry(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let id = invocation(&id)?;
    app.engine.retry(id).await.map_err(|error| match error {
        StoreError::Conflict(_) => Refusal::of_invocation(error, id)
            .hint("an invocation runs again when it has ended and was asynchronous: the event of a synchronous call is not kept"),
        other => Refusal::of_invocation(other, id),
    })?;
    Ok(reply::into_axum(gateway::accepted(id, Status::Queued)))
}
