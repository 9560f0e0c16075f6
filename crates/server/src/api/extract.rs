//! Parts of requests, with problems for the ones that cannot be used.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use tidemill_api::ErrorCode;
use tidemill_core::{FunctionRef, InvalidInvocationId, InvocationId, manifest::nearest};
use tidemill_engine::Target;
use utoipa::IntoParams;

use crate::{
    gateway, net,
    refusal::{NO_FUNCTION_HINT, Refusal},
    shared::Shared,
};

/// Query parameters.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Params(value)),
            Err(rejection) => {
                let mut source: &dyn std::error::Error = &rejection;
                while let Some(inner) = source.source() {
                    source = inner;
                }
                Err(Refusal::new(ErrorCode::BadParameter, format!("the query: {source}")))
            }
        }
    }
}

/// The project, on routes that take nothing else.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InProject {
    /// The project; `default` when absent, or the one that the token is of.
    project: Option<String>,
}

impl InProject {
    /// Whether the request names a project.
    pub(super) fn names_one(&self) -> bool {
        self.project.is_some()
    }
}

/// The function as it can be invoked.
pub(super) fn target(app: &Shared, function: &FunctionRef) -> Result<Target, Refusal> {
    app.engine.target(function).ok_or_else(|| no_function(app, function))
}

/// There is no such function; perhaps one of a similar name was meant.
pub(super) fn no_function(app: &Shared, function: &FunctionRef) -> Refusal {
    let known = app.engine.functions(Some(&function.project));
    let near = nearest(function.name.as_str(), known.iter().map(|view| view.function.name.as_str()));
    Refusal::new(ErrorCode::NoFunction, format!("there is no function {function}"))
        .hint(near.map_or_else(|| NO_FUNCTION_HINT.to_owned(), |near| format!("did you mean {near:?}?")))
}

/// The id of an invocation.
pub(super) fn invocation(text: &str) -> Result<InvocationId, Refusal> {
    text.parse().map_err(|error: InvalidInvocationId| Refusal::new(ErrorCode::BadName, error.to_string()))
}

/// A duration parameter.
pub(super) fn wait(text: Option<&str>) -> Result<Duration, Refusal> {
    text.map_or(Ok(Duration::ZERO), |text| gateway::duration("wait", text))
}

/// A body, read whole.
pub(super) async fn body(app: &Shared, mut body: Body, limit: u64) -> Result<Bytes, Refusal> {
    match net::read(&mut body, limit, app.config.request_read_timeout, &app.incoming).await {
        Ok(bytes) => Ok(bytes),
        Err(error) => {
            if matches!(error, net::ReadError::TooLarge { .. }) {
                app.discard(body);
            }
            Err(error.into())
        }
    }
}

/// A JSON body; an empty one is the default.
pub(super) async fn json<T: DeserializeOwned + Default>(app: &Shared, content: Body) -> Result<T, Refusal> {
    let bytes = body(app, content, app.config.json_bytes_max).await?;
    if bytes.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::new(ErrorCode::BadRequest, format!("the body is not JSON as expected: {error}")))
}
