//! Whether the server lives and serves; metrics; the OpenAPI document.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use tidemill_api::{ErrorCode, route};

use super::Problems;
use crate::{refusal::Refusal, shared::App};

/// Whether the process lives.
#[utoipa::path(get, path = route::LIVEZ, tag = "server", operation_id = "livez",
    responses((status = 200, description = "It lives.", body = String, content_type = "text/plain")))]
pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// Whether the server can serve: the engine is ready and the store can write.
#[utoipa::path(get, path = route::READYZ, tag = "server", operation_id = "readyz",
    responses(Problems, (status = 200, description = "It can.", body = String, content_type = "text/plain")))]
pub(super) async fn readyz(State(app): State<App>) -> Result<&'static str, Refusal> {
    if !app.is_ready() {
        return Err(Refusal::new(ErrorCode::Stopping, "the server is starting or stopping").retry_after(1));
    }
    app.engine.store().check().await?;
    Ok("ok\n")
}

/// Metrics in Prometheus' text form.
#[utoipa::path(get, path = route::METRICS, tag = "server", operation_id = "metrics",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(app): State<App>) -> Response {
    let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type)], app.prometheus.render()).into_response()
}

/// The OpenAPI document.
#[utoipa::path(get, path = route::OPENAPI, tag = "server", operation_id = "openapi",
    responses((status = 200, description = "The document.", body = serde_json::Value)))]
pub(super) async fn openapi(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], app.openapi.clone()).into_response()
}
