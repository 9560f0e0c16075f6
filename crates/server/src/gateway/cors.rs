//! Cross-origin resource sharing of an http trigger, with Nuclio's meaning; a refused origin gets 403 and not an empty 200.

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use tidemill_api::ErrorCode;
use tidemill_core::spec::Cors;

use super::bare;
use crate::{refusal::Refusal, reply::Body};

/// Whether `origin` may call. An empty origin may not.
pub(super) fn allows(cors: &Cors, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    !origin.is_empty()
        && cors.allow_origins.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
}

/// The answer to a request of an origin that may not call.
pub(super) fn refuse(origin: &HeaderValue) -> Response<Body> {
    let origin = String::from_utf8_lossy(origin.as_bytes());
    Refusal::new(ErrorCode::OriginRefused, format!("the origin {origin:?} may not call this function")).respond()
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The answer to a preflight; the function never sees it.
pub(super) fn preflight(cors: &Cors, method: &str, request: &HeaderMap) -> Response<Body> {
    let origin = request.get(header::ORIGIN);
    let wanted = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok());
    let may =
        origin.is_some_and(|origin| allows(cors, origin))
            && !method.is_empty()
            && cors.allow_methods.iter().any(|allowed| allowed == method)
            && wanted.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()).all(|name| {
                cors.allow_headers.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(name))
            });
    let mut response = bare(if may { StatusCode::OK } else { StatusCode::BAD_REQUEST });
    let headers = response.headers_mut();
    for name in ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"] {
        headers.append(header::VARY, HeaderValue::from_static(name));
    }
    if let (true, Some(origin)) = (may, origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods.join(", "));
        set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers.join(", "));
        set(headers, header::ACCESS_CONTROL_MAX_AGE, &cors.preflight_max_age_seconds.to_string());
        allow_credentials(cors, headers);
    }
    response
}

fn allow_credentials(cors: &Cors, headers: &mut HeaderMap) {
    if cors.allow_credentials {
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

/// Adds what a browser needs to let a script read the response.
pub(super) fn decorate(cors: &Cors, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin.filter(|origin| allows(cors, origin)) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    if !cors.expose_headers.is_empty() {
        set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers.join(", "));
    }
    allow_credentials(cors, headers);
}
