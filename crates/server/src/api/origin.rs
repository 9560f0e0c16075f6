//! Keeps web pages off the native API.
//!
//! A server without authentication listens on loopback, where every page in the user's browser can send requests to it: a
//! form would be enough to deploy code. So a request with an `Origin` must come from the server's own one, and, on a loopback
//! listener, `Host` must be a name of this machine: a page that had its own name point here (DNS rebinding) has another.
//! Programs are not concerned: they send no `Origin` and the address they connect to.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tidemill_api::ErrorCode;

use crate::{refusal::Refusal, shared::App};

/// Passes on what may be passed on.
pub(super) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let host = text(request.headers(), header::HOST).or(authority).map(str::to_owned);
    let is_loopback = app.config.listen.ip().is_loopback();
    // How the server is doing is told to whoever asks, by whatever name.
    if !request.uri().path().starts_with("/v1/") {
        return next.run(request).await;
    }
    match judge(request.headers(), host.as_deref(), is_loopback, &app.config.hosts) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The host without its port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

fn is_this_machine(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let address = lower.trim_start_matches('[').trim_end_matches(']');
    lower == "localhost" || lower.ends_with(".localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Decides whether a page may send this request, by the headers, the host it was sent to, whether the listener is on
/// loopback, and the names it is known by there.
pub(crate) fn judge(
    headers: &HeaderMap,
    host: Option<&str>,
    is_loopback: bool,
    hosts: &[String],
) -> Result<(), Refusal> {
    let Some(host) = host else { return Ok(()) };
    let name = name(host);
    let is_known = hosts.iter().any(|known| known.eq_ignore_ascii_case(name));
    if is_loopback && !is_known && !is_this_machine(name) {
        return Err(Refusal::new(ErrorCode::OriginRefused, format!("{host:?} is not a name of this server"))
            .hint("use http://127.0.0.1 or http://localhost with the server's port"));
    }
    match text(headers, header::ORIGIN) {
        None => Ok(()),
        Some(origin) if origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host)) => {
            Ok(())
        }
        Some(origin) => Err(Refusal::new(
            ErrorCode::OriginRefused,
            format!("pages of {origin:?} may not use the API of this server"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn pages_are_kept_off_and_programs_are_not() {
        let known = ["mill.example".to_owned()];
        for (host, origin, is_loopback, passes) in [
            (Some("127.0.0.1:7070"), None, true, true),
            (Some("localhost:7070"), None, true, true),
            (Some("LOCALHOST"), None, true, true),
            (Some("[::1]:7070"), None, true, true),
            (Some("mill.localhost:7070"), None, true, true),
            (Some("mill.example:7070"), None, true, true),
            (None, None, true, true),
            (Some("127.0.0.1:7070"), Some("http://127.0.0.1:7070"), true, true),
            (Some("127.0.0.1:7070"), Some("http://127.0.0.1:8080"), true, false),
            (Some("127.0.0.1:7070"), Some("https://evil.example"), true, false),
            (Some("127.0.0.1:7070"), Some("null"), true, false),
            (Some("evil.example:7070"), Some("http://evil.example:7070"), true, false),
            (Some("evil.example:7070"), None, true, false),
            (Some("127.0.0.1.evil.example"), None, true, false),
            (Some("10.0.0.7:7070"), None, true, false),
            (Some("10.0.0.7:7070"), None, false, true),
            (Some("mill.example"), Some("http://mill.example"), false, true),
            (Some("mill.example"), Some("https://evil.example"), false, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(judge(&headers, host, is_loopback, &known).is_ok(), passes, "{host:?} {origin:?} {is_loopback}");
        }
    }
}
