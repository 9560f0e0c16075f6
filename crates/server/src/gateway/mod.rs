//! The addresses of functions.
//!
//! ```text
//!   route ─► cross-origin rules ─► what the headers ask for ─► body ─► event (CloudEvents understood) ─► run or submit
//! ```

mod ask;
mod cors;
mod entry;
mod event;
mod nuclio_logs;
mod run;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use hyper::body::Incoming;
use tidemill_api::ErrorCode;
use tidemill_core::{FunctionRef, Timestamp, TriggerLabel, spec::FunctionSpec};
use tidemill_engine::{HttpRoute, Target};

pub(crate) use ask::{Ask, duration};
pub(crate) use event::{envelope, is_own};
pub(crate) use run::{accepted, result, run};

use crate::{
    cloudevents,
    net::{self, ReadError},
    refusal::{NO_FUNCTION_HINT, Refusal},
    reply::Body,
    shared::App,
};

/// Answers a request to a function's address.
pub(crate) async fn handle(app: &App, request: Request<Incoming>) -> Response<Body> {
    let received_at = app.engine.clock().now();
    let (parts, body) = request.into_parts();
    match entry::follow_alias(app, &parts, route(app, &parts)).await {
        Place::Answered(response) => response,
        Place::Nowhere => not_found(parts.uri.path()).respond(),
        Place::Function { target, path, alias } => {
            let spec = target.spec();
            let cors = spec.http().and_then(|(_, _, http)| http.cors.as_ref());
            let origin = parts.headers.get(header::ORIGIN).cloned();
            let mut response = match (cors, &origin) {
                (Some(cors), Some(origin)) if !cors::allows(cors, origin) => cors::refuse(origin),
                _ => invoke(app, &target, &spec, At { path, alias }, parts, body, received_at)
                    .await
                    .unwrap_or_else(|refusal| refusal.public().respond()),
            };
            if let Some(cors) = cors {
                cors::decorate(cors, origin.as_ref(), response.headers_mut());
            }
            response
        }
    }
}

/// Where a request leads.
enum Place {
    /// To a function, which sees this path. It was named by this alias, or by its own name or path.
    Function { target: Target, path: String, alias: Option<String> },
    /// Nowhere further: this is the answer.
    Answered(Response<Body>),
    /// To no function, unless an alias leads to one.
    Nowhere,
}

/// How a function was named, and the path that it sees.
struct At {
    path: String,
    alias: Option<String>,
}

fn host(parts: &Parts) -> Option<&str> {
    let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    named.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str))
}

fn route(app: &App, parts: &Parts) -> Place {
    let (host, path) = (host(parts), parts.uri.path());
    if parts.method == Method::OPTIONS
        && let Some(wanted) = parts.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).and_then(|m| m.to_str().ok())
        && let HttpRoute::Found { target, .. } = app.engine.route(host, wanted, path)
        && let Some(cors) = target.spec().http().and_then(|(_, _, http)| http.cors.as_ref())
    {
        return Place::Answered(cors::preflight(cors, wanted, &parts.headers));
    }
    match app.engine.route(host, parts.method.as_str(), path) {
        HttpRoute::Found { target, path } => Place::Function { target, path, alias: None },
        HttpRoute::MethodNotAllowed { allow } => Place::Answered(not_allowed(parts, &allow)),
        HttpRoute::NoAddress(function) => Place::Answered(no_address(&function)),
        HttpRoute::NotFound => Place::Nowhere,
    }
}

/// The answer to a method that the address does not take.
fn not_allowed(parts: &Parts, allow: &[String]) -> Response<Body> {
    let allow = allow.join(", ");
    let detail = format!("{} is not a method of this address; it takes {allow}", parts.method);
    let mut response = Refusal::new(ErrorCode::MethodNotAllowed, detail).respond();
    if let Ok(value) = HeaderValue::from_str(&allow) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// The answer of a function that has no address.
fn no_address(function: &FunctionRef) -> Response<Body> {
    let detail = format!("function {function} has no http trigger: events reach it by message or timer only");
    let refusal = Refusal::new(ErrorCode::NoAddress, detail)
        .hint(format!("POST /v1/functions/{}/invocations invokes it all the same", function.name));
    refusal.respond()
}

fn not_found(path: &str) -> Refusal {
    match path.strip_prefix("/f/") {
        Some(rest) => {
            let name: String = rest.split('/').next().unwrap_or(rest).chars().take(130).collect();
            Refusal::new(ErrorCode::NoFunction, format!("there is no function {name}")).hint(NO_FUNCTION_HINT)
        }
        None => crate::api::nowhere(path),
    }
}

/// The label of the http trigger, for events that come by HTTP.
pub(crate) fn label(spec: &FunctionSpec) -> TriggerLabel {
    let name = spec.http().map_or_else(|| "api".to_owned(), |(name, _, _)| name.to_string());
    TriggerLabel { kind: "http".to_owned(), name }
}

async fn invoke(
    app: &App,
    target: &Target,
    spec: &FunctionSpec,
    at: At,
    mut parts: Parts,
    mut body: Incoming,
    received_at: Timestamp,
) -> Result<Response<Body>, Refusal> {
    let caller = match app.auth.is_open() {
        true => String::new(),
        false => entry::caller(app, target, at.alias.as_deref(), &mut parts).await?,
    };
    let limit = spec.http().and_then(|(_, _, http)| http.body_bytes_max).unwrap_or(app.config.body_bytes_max);
    let ask = Ask::read(&parts.headers, spec.call_type, app, received_at)?;
    let body = match net::read(&mut body, limit, app.config.request_read_timeout, &app.incoming).await {
        Ok(body) => body,
        Err(error) => {
            if matches!(error, ReadError::TooLarge { .. }) && !expects_continue(&parts.headers) {
                app.discard(body);
            }
            return Err(error.into());
        }
    };
    let mut event = envelope(&parts, at.path, label(spec), received_at);
    event.caller = caller;
    event.body = body;
    match cloudevents::understand(event)? {
        cloudevents::Arrival::One(event) => run(app, target, *event, ask, received_at).await,
        cloudevents::Arrival::Many(events) => {
            if !ask.is_async() {
                return Err(Refusal::new(
                    ErrorCode::UnsupportedMediaType,
                    "a batch of events has no single response, so it cannot be answered synchronously",
                )
                .hint("send it with the header `Prefer: respond-async`"));
            }
            run::run_all(app, target, events, ask, received_at).await
        }
    }
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// A response without content.
fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
