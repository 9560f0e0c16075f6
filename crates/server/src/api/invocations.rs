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
    access::{Level, Object, ObjectKind},
    invocation::{Invocation as StoredInvocation, Status},
    ports::{CancelResult, InvocationFilter, StoreError},
};
use utoipa::IntoParams;

use super::{
    Problems, authorize,
    extract::{Params, invocation, wait},
    scope::{Readable, Scope},
};
use crate::{gateway, refusal::Refusal, reply, shared::App, shield::Shield};

/// The size of a page when none is asked for.
const PAGE: u32 = 50;
/// The largest page.
const PAGE_MAX: u32 = 1000;

/// Which invocations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The project; `default` when absent, or the one that the token is of.
    #[expect(dead_code, reason = "the layer of authorization reads it")]
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
    scope: Scope,
    Params(which): Params<Which>,
) -> Result<Json<InvocationPage>, Refusal> {
    let function = match which.function.as_deref() {
        None => None,
        Some(name) => {
            let (function, _) = authorize::resolve(&app, scope.project(), name).await?;
            scope.require(&app, &Object::function(&function), Level::Read).await?;
            Some(function)
        }
    };
    let readable = match &function {
        None => scope.readable(&app, ObjectKind::Function).await?,
        Some(_) => Readable::All,
    };
    let filter = InvocationFilter {
        project: scope.project().clone(),
        function,
        status: status(which.status.as_deref())?,
        since: time("since", which.since.as_deref())?,
        until: time("until", which.until.as_deref())?,
        before: which.before.as_deref().map(invocation).transpose()?,
        limit: which.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX),
    };
    Ok(Json(page(&app, filter, &readable).await?))
}

/// Pages of the store that are looked through for one page of what somebody may read.
const PAGES_MAX: u32 = 20;

/// The next page of what may be read. It may be short, or empty, although more follows.
async fn page(app: &App, mut filter: InvocationFilter, readable: &Readable) -> Result<InvocationPage, Refusal> {
    let limit = filter.limit as usize;
    let mut invocations: Vec<Invocation> = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = app.engine.store().invocations(filter.clone()).await?;
        filter.before = page.items.last().map(|last| last.id).or(filter.before);
        let may_read = |one: &&StoredInvocation| readable.has(one.function.name.as_str());
        invocations.extend(page.items.iter().filter(may_read).map(Invocation::from));
        if invocations.len() >= limit {
            let more = page.more || invocations.len() > limit;
            invocations.truncate(limit);
            let next = invocations.last().filter(|_| more).map(|last| last.id);
            return Ok(InvocationPage { invocations, next });
        }
        if !page.more {
            return Ok(InvocationPage { invocations, next: None });
        }
    }
    Ok(InvocationPage { invocations, next: filter.before.map(|last| last.0) })
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

/// Takes the next result of an invocation: what it left on its results socket, in order, each once.
#[utoipa::path(post, path = route::NEXT_RESULT, tag = "invocations", operation_id = "take_result",
    params(("id" = uuid::Uuid, Path, description = "The invocation.")),
    responses(Problems, (status = 200, description = "The result.", body = String, content_type = "application/octet-stream")))]
pub(super) async fn next_result(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let id = invocation(&id)?;
    let store = app.engine.store().clone();
    let take = async move { store.take_result(id).await };
    let result = Shield::new(take, &app.tasks).await.map_err(|error| Refusal::of_invocation(error, id))?;
    let result =
        result.ok_or_else(|| Refusal::new(ErrorCode::NoResult, format!("invocation {id} has no result left")))?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))], result).into_response())
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
