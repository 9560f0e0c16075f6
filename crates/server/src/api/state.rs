//! The durable state of functions.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use serde::Deserialize;
use tidemill_api::{ErrorCode, State as Wire, StateKey, StateList, StateVersion, route};
use tidemill_core::{FunctionRef, limits::STATE_BYTES_MAX, ports::StoreError, spec::StateScope};
use utoipa::IntoParams;

use super::{
    Problems,
    extract::{InProject, Params, body, no_function},
    scope::Scope,
};
use crate::{refusal::Refusal, shared::App, shield::Shield};

/// The size of a page when none is asked for.
const PAGE: u32 = 100;
/// The largest page.
const PAGE_MAX: u32 = 1000;

/// Which keys.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Keys {
    /// The project; `default` when absent, or the one that the token is of.
    #[expect(dead_code, reason = "the layer of authorization reads it")]
    project: Option<String>,
    /// The keys after this one: `next` of the page before.
    after: Option<String>,
    /// The size of the page, at most 1000; 100 when absent.
    limit: Option<u32>,
}

/// The keys of a function that have state, in order.
#[utoipa::path(get, path = route::STATES, tag = "state", operation_id = "list_states",
    params(("name" = String, Path, description = "The function."), Keys),
    responses(Problems, (status = 200, description = "A page of keys.", body = StateList)))]
pub(super) async fn list(
    State(app): State<App>,
    scope: Scope,
    Params(keys): Params<Keys>,
) -> Result<Json<StateList>, Refusal> {
    let function = scope.function();
    with_state(&app, &function)?;
    let limit = keys.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let page = app.engine.store().states(&function, keys.after, limit).await?;
    let next = page.items.last().filter(|_| page.more).map(|last| last.key.clone());
    let wire = |record: tidemill_core::ports::StateRecord| StateKey {
        key: record.key,
        version: record.version,
        updated_at: record.updated_at.into(),
    };
    Ok(Json(StateList { states: page.items.into_iter().map(wire).collect(), next }))
}

/// The state of a function that has one.
#[utoipa::path(get, path = route::STATE, tag = "state", operation_id = "show_state",
    params(("name" = String, Path, description = "The function."), InProject),
    responses(Problems, (status = 200, description = "The state.", body = Wire)))]
pub(super) async fn show(State(app): State<App>, scope: Scope, _: Params<InProject>) -> Result<Json<Wire>, Refusal> {
    get(&app, &scope.function(), "").await
}

/// The state of one key.
#[utoipa::path(get, path = route::KEY_STATE, tag = "state", operation_id = "show_key_state",
    params(("name" = String, Path, description = "The function."), ("key" = String, Path, description = "The key."), InProject),
    responses(Problems, (status = 200, description = "The state.", body = Wire)))]
pub(super) async fn show_key(
    State(app): State<App>,
    scope: Scope,
    Path((_name, key)): Path<(String, String)>,
    _: Params<InProject>,
) -> Result<Json<Wire>, Refusal> {
    get(&app, &scope.function(), &key).await
}

/// Replaces the state of a function. With `If-Match` only the version that it names; with `If-None-Match: *` only when there is
/// none. An execution that runs meanwhile and changes the state has the last word.
#[utoipa::path(put, path = route::STATE, tag = "state", operation_id = "put_state",
    params(("name" = String, Path, description = "The function."), InProject), request_body = serde_json::Value,
    responses(Problems, (status = 200, description = "It is on disk.", body = StateVersion)))]
pub(super) async fn put(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<StateVersion>, Refusal> {
    let value = json(&app, content).await?;
    change(&app, scope.function(), String::new(), Some(value), &headers).await.map(Json)
}

/// Replaces the state of one key, as that of a function.
#[utoipa::path(put, path = route::KEY_STATE, tag = "state", operation_id = "put_key_state",
    params(("name" = String, Path, description = "The function."), ("key" = String, Path, description = "The key."), InProject),
    request_body = serde_json::Value,
    responses(Problems, (status = 200, description = "It is on disk.", body = StateVersion)))]
pub(super) async fn put_key(
    State(app): State<App>,
    scope: Scope,
    Path((_name, key)): Path<(String, String)>,
    _: Params<InProject>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<StateVersion>, Refusal> {
    let value = json(&app, content).await?;
    change(&app, scope.function(), key, Some(value), &headers).await.map(Json)
}

/// Deletes the state of a function.
#[utoipa::path(delete, path = route::STATE, tag = "state", operation_id = "delete_state",
    params(("name" = String, Path, description = "The function."), InProject),
    responses(Problems, (status = 204, description = "There is none now.")))]
pub(super) async fn delete(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    change(&app, scope.function(), String::new(), None, &headers).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes the state of one key.
#[utoipa::path(delete, path = route::KEY_STATE, tag = "state", operation_id = "delete_key_state",
    params(("name" = String, Path, description = "The function."), ("key" = String, Path, description = "The key."), InProject),
    responses(Problems, (status = 204, description = "There is none now.")))]
pub(super) async fn delete_key(
    State(app): State<App>,
    scope: Scope,
    Path((_name, key)): Path<(String, String)>,
    _: Params<InProject>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    change(&app, scope.function(), key, None, &headers).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the state of the function is divided; a refusal when it has none.
fn with_state(app: &App, function: &FunctionRef) -> Result<StateScope, Refusal> {
    let target = app.engine.target(function).ok_or_else(|| no_function(app, function))?;
    match target.spec().state {
        StateScope::None => Err(Refusal::new(ErrorCode::NoState, format!("function {function} has no state"))
            .hint("`state: function` or `state: key` in the spec of its function.yaml gives it one")),
        divided => Ok(divided),
    }
}

/// A refusal when `key` is not how the function's state is divided.
fn check_key(app: &App, function: &FunctionRef, key: &str) -> Result<(), Refusal> {
    match (with_state(app, function)?, key.is_empty()) {
        (StateScope::Function, false) => {
            Err(Refusal::parameter("key", format!("function {function} has one state, and no keys")))
        }
        (StateScope::Key, true) => {
            Err(Refusal::parameter("key", format!("function {function} has a state for each key")))
        }
        _ => Ok(()),
    }
}

async fn get(app: &App, function: &FunctionRef, key: &str) -> Result<Json<Wire>, Refusal> {
    check_key(app, function, key)?;
    let record = app.engine.state(function, key).await?;
    let record = record
        .ok_or_else(|| Refusal::new(ErrorCode::NoState, format!("no state of {function} is stored there yet")))?;
    let value = serde_json::from_slice(&record.value).map_err(|error| {
        tracing::error!(%function, %error, "a stored state is not JSON");
        Refusal::new(ErrorCode::Internal, "the stored state is not JSON")
    })?;
    Ok(Json(Wire { key: record.key, value, version: record.version, updated_at: record.updated_at.into() }))
}

/// A body that is JSON.
async fn json(app: &App, content: Body) -> Result<Bytes, Refusal> {
    let bytes = body(app, content, STATE_BYTES_MAX as u64).await?;
    serde_json::from_slice::<serde::de::IgnoredAny>(&bytes)
        .map_err(|error| Refusal::new(ErrorCode::BadRequest, format!("the body is not JSON: {error}")))?;
    Ok(bytes)
}

/// The version that a change expects: `If-Match: "3"`, or `If-None-Match: *` for none.
fn expected(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
    match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
        (None, None) => Ok(None),
        (None, Some("*")) => Ok(Some(0)),
        (None, Some(_)) => Err(Refusal::parameter("if-none-match", "it can be * only")),
        (Some(version), None) => match version.trim_matches('"').parse() {
            Ok(version) if version > 0 => Ok(Some(version)),
            _ => Err(Refusal::parameter("if-match", format!("{version:?} is no version; give a number, as in 3"))),
        },
        (Some(_), Some(_)) => Err(Refusal::parameter("if-match", "give either if-match or if-none-match, not both")),
    }
}

async fn change(
    app: &App,
    function: FunctionRef,
    key: String,
    value: Option<Bytes>,
    headers: &HeaderMap,
) -> Result<StateVersion, Refusal> {
    check_key(app, &function, &key)?;
    let expected = expected(headers)?;
    let engine = app.engine.clone();
    let work = async move { engine.put_state(&function, &key, value, expected).await };
    let version = Shield::new(work, &app.tasks).await.map_err(|error| match error {
        StoreError::Conflict(reason) if expected.is_some() => Refusal::new(ErrorCode::VersionMismatch, reason),
        other => other.into(),
    })?;
    Ok(StateVersion { version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_read() {
        for (headers, version) in [
            (&[][..], Some(None)),
            (&[("if-match", "3")], Some(Some(3))),
            (&[("if-match", "\"3\"")], Some(Some(3))),
            (&[("if-none-match", "*")], Some(Some(0))),
            (&[("if-match", "*")], None),
            (&[("if-match", "0")], None),
            (&[("if-none-match", "3")], None),
            (&[("if-match", "3"), ("if-none-match", "*")], None),
        ] {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (header::HeaderName::from_static(name), header::HeaderValue::from_static(value)))
                .collect();
            assert_eq!(expected(&headers).ok(), version, "{headers:?}");
        }
    }
}
