//! From a request to its answer.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use hyper::body::Incoming;
use tidemill_core::{
    FunctionName,
    access::{Level, Object, ObjectKind},
};
use tidemill_engine::directory::NonceRefusal;

use super::{
    actors, aliases,
    authorize::{self, Held},
    body, configs,
    envelope::{Answer, Fault},
    exchange::{Exchange, Named},
    executions, finder, ids,
    links::Links,
    logs, messages, naming, nonces, permissions, results,
    routes::{Endpoint, Place, Row, Verb},
    state, usage, workers,
};
use crate::{
    api::judge,
    auth::{AuthError, Caller},
    net::{self, ReadError, Taken},
    nonce::{self, Credential},
    reply::Body,
    shared::App,
    shield::Shield,
};

/// How many times its size a body takes when it is parsed, at worst: a list of digits.
const PARSED_SIZE: u64 = 32;
/// How long a body waits for room to be parsed in.
const ROOM_PATIENCE: Duration = Duration::from_secs(10);
const WRONG_METHOD: &str =
    "Invalid request: the API endpoint does not exist or the provided HTTP method is not allowed.";

/// Whether a path belongs to the face.
pub(crate) fn is_ours(path: &str) -> bool {
    path.split('/').find(|part| !part.is_empty()) == Some("actors")
}

/// Answers a request.
pub(crate) async fn handle(app: &App, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let origin = parts.headers.get(header::ORIGIN).cloned();
    let wanted = parts.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let is_options = parts.method == Method::OPTIONS;
    let answer = answer(app, parts, body).await;
    let mut response = answer.unwrap_or_else(|fault| fault.respond(&app.config.abaco.tag));
    share(response.headers_mut(), origin, is_options.then_some(wanted).flatten());
    response
}

/// Lets scripts of other origins read the answer, as Abaco does: what may be done is told by tokens, not by origins.
fn share(headers: &mut HeaderMap, origin: Option<HeaderValue>, preflight: Option<HeaderValue>) {
    match origin {
        Some(origin) => {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        None => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
    }
    if let Some(wanted) = preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    }
}

async fn answer(app: &App, parts: Parts, body: Incoming) -> Answer {
    let Some(place) = Place::find(parts.uri.path()) else {
        return Err(Fault::missing(WRONG_METHOD));
    };
    if parts.method == Method::OPTIONS {
        return Ok(options(&place, parts.headers.contains_key(header::ORIGIN)));
    }
    let row = Verb::of(&parts.method).and_then(|verb| place.row(verb));
    let Some(row) = row else {
        let mut response = Fault::new(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD).respond(&app.config.abaco.tag);
        response.headers_mut().insert(header::ALLOW, allowed(&place));
        return Ok(response);
    };
    let admitted = match admit(app, &parts, &place, row).await {
        Ok(admitted) => admitted,
        Err(fault) => {
            // The peer may still be sending, and is to read why it need not.
            app.discard(body);
            return Err(fault);
        }
    };
    let exchange = exchange(app, parts, body, place, row, admitted).await?;
    let endpoint = row.endpoint;
    // What changes something is carried to its end when the caller hangs up. A message is, as soon as it is sent.
    if row.verb == Verb::Get || endpoint == Endpoint::MessageSend {
        return perform(endpoint, exchange).await;
    }
    let tasks = app.tasks.clone();
    Shield::new(async move { perform(endpoint, exchange).await }, &tasks).await
}

/// Who makes a request, and what its path names.
struct Admitted {
    caller: Caller,
    named: Named,
    held: Held,
}

/// Decides whether a request is let in.
async fn admit(app: &App, parts: &Parts, place: &Place, row: &Row) -> Result<Admitted, Fault> {
    keep_pages_off(app, parts)?;
    let caller = who(app, parts, place, row).await?;
    let principal = &caller.principal;
    let named = naming::named(&app.engine, principal, place, row.verb == Verb::Delete).await?;
    let held = naming::held(&app.engine, &principal.project, &named).await?;
    authorize::authorize(principal, row.need, &held)?;
    Ok(Admitted { caller, named, held })
}

/// Without tokens any page in the user's browser could make privileged containers here, so pages of others are refused.
fn keep_pages_off(app: &App, parts: &Parts) -> Result<(), Fault> {
    if !app.auth.is_open() {
        return Ok(());
    }
    let is_loopback = app.config.listen.ip().is_loopback();
    judge(&parts.headers, host(parts), is_loopback, &app.config.hosts)
        .map_err(|refusal| Fault::new(StatusCode::FORBIDDEN, format!("Not authorized -- {}.", refusal.0.detail)))
}

fn host(parts: &Parts) -> Option<&str> {
    let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    named.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str))
}

fn allowed(place: &Place) -> HeaderValue {
    let mut methods: Vec<&str> = place.rows().map(|row| row.verb.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.sort_unstable();
    HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

fn options(place: &Place, is_preflight: bool) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, allowed(place));
    if is_preflight {
        let methods = HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    response
}

/// Who makes the request: whoever its token names, else the owner of its nonce.
async fn who(app: &App, parts: &Parts, place: &Place, row: &Row) -> Result<Caller, Fault> {
    let no_token = || Fault::bad("No JWT or nonce provided.");
    let nonce = match nonce::credential(&app.auth, parts) {
        Credential::Token(caller) => return Ok(caller),
        Credential::Nonce(nonce) if app.config.abaco.nonces => nonce,
        Credential::None(Some(AuthError::NoRole)) => {
            return Err(Fault::bad("Not authorized -- missing required role."));
        }
        Credential::Nonce(_) | Credential::None(_) => return Err(no_token()),
    };
    if row.endpoint == Endpoint::Search {
        return Err(Fault::missing(
            "'x-nonce' query parameter on the '/actors/search/{database}' endpoint does not resolve.",
        ));
    }
    let Some(name) = place.param("actor") else { return Err(Fault::bad("Not authorized.")) };
    let unknown = || Fault::bad("Nonce does not exist.");
    let project = nonce::project(&nonce).ok_or_else(unknown)?;
    let object = match (ids::is_id(name), name.parse::<FunctionName>()) {
        (true, Ok(id)) => super::record::object(&project, &id),
        (_, _) => Object { kind: ObjectKind::Alias, project, name: name.to_owned() },
    };
    let level = match (row.verb, row.endpoint) {
        (Verb::Get, _) => Level::Read,
        (_, Endpoint::MessageSend) => Level::Execute,
        (_, _) => Level::Update,
    };
    match app.engine.directory().use_nonce(&nonce, &object, level).await {
        Ok(principal) => {
            let tenant = principal.project.to_string();
            Ok(Caller { principal, nonce: true, jwt_header: None, tenant })
        }
        Err(NonceRefusal::Unknown) => Err(unknown()),
        Err(NonceRefusal::Level) => Err(Fault::bad("Nonce does not have sufficient permissions level.")),
        Err(NonceRefusal::Maker) => Err(authorize::Denied::Actor.into()),
        Err(NonceRefusal::UsedUp) => Err(Fault::bad("No remaining uses left for this nonce.")),
        Err(NonceRefusal::Store(error)) => Err(error.into()),
    }
}

/// Addresses for an answer: where nothing is configured, by the name that the caller knows the server by.
fn links(app: &App, parts: &Parts, tenant: &str) -> Links {
    let configured = configured(app, tenant).map(str::to_owned);
    let by_name = || host(parts).map(|host| format!("http://{host}"));
    Links::new(&configured.or_else(by_name).unwrap_or_else(|| app.config.own_address()))
}

fn configured<'a>(app: &'a App, tenant: &str) -> Option<&'a str> {
    app.auth.api_server(tenant).or(app.config.abaco.api_server.as_deref())
}

/// The address by which containers reach the server. They may send their credentials there, so where there are any, it is not
/// for callers to say.
fn api_server(app: &App, links: &Links, tenant: &str) -> String {
    match app.auth.is_open() {
        true => links.api_server().to_owned(),
        false => configured(app, tenant).map_or_else(|| app.config.own_address(), str::to_owned),
    }
}

/// Reads the body, and gathers what the endpoint needs.
async fn exchange(
    app: &App,
    parts: Parts,
    mut body: Incoming,
    place: Place,
    row: &Row,
    admitted: Admitted,
) -> Result<Exchange, Fault> {
    let config = &app.config.abaco;
    let is_message = row.endpoint == Endpoint::MessageSend;
    let content_type = body::content_type(&parts);
    let mut fields = body::of_query(config.case, &parts);
    let mut content = bytes::Bytes::new();
    let mut taken = None;
    if matches!(row.verb, Verb::Post | Verb::Put) {
        let is_binary = is_message && body::essence(&content_type) == "application/octet-stream";
        let limit = match row.endpoint {
            _ if is_binary => config.message_bytes_max,
            Endpoint::StatePut => tidemill_core::limits::STATE_BYTES_MAX as u64,
            _ => config.request_bytes_max,
        };
        content = match net::read(&mut body, limit, app.config.request_read_timeout, &app.incoming).await {
            Ok(content) => content,
            Err(error) => {
                if matches!(error, ReadError::TooLarge { .. }) {
                    app.discard(body);
                }
                return Err(error.into());
            }
        };
        if !is_binary {
            taken = room_to_parse(app, content.len() as u64).await?;
        }
        let is_strict = !is_message && row.endpoint != Endpoint::StatePut;
        fields = body::add(fields, &content_type, &content, is_strict).await?;
    }
    let links = links(app, &parts, &admitted.caller.tenant);
    Ok(Exchange {
        api_server: api_server(app, &links, &admitted.caller.tenant),
        is_head: parts.method == Method::HEAD,
        links,
        has_length: parts.headers.contains_key(header::CONTENT_LENGTH),
        received_at: app.engine.clock().now(),
        app: app.clone(),
        place,
        principal: admitted.caller.principal,
        is_bearer: admitted.caller.nonce,
        jwt_header: admitted.caller.jwt_header,
        named: admitted.named,
        held: admitted.held,
        fields,
        content_type,
        body: content,
        taken,
    })
}

/// Parsed, a body may take many times its size in memory. It takes room of its own for that: were it the bodies' room, those
/// that wait for it would hold it.
async fn room_to_parse(app: &App, size: u64) -> Result<Option<Taken>, Fault> {
    if size <= net::FREE_BYTES {
        return Ok(None);
    }
    let taken = app.outgoing.take(size.saturating_mul(PARSED_SIZE), ROOM_PATIENCE).await;
    Ok(Some(taken.ok_or(ReadError::NoRoom)?))
}

async fn perform(endpoint: Endpoint, mut exchange: Exchange) -> Answer {
    let x = &mut exchange;
    match endpoint {
        Endpoint::ActorList => actors::list(x).await,
        Endpoint::ActorCreate => actors::create(x).await,
        Endpoint::ActorShow => actors::show(x).await,
        Endpoint::ActorPut => actors::put(x).await,
        Endpoint::ActorDelete => actors::delete(x).await,
        Endpoint::StateShow => state::show(x).await,
        Endpoint::StatePut => state::put(x).await,
        Endpoint::MessageCount => messages::count(x).await,
        Endpoint::MessageSend => messages::send(x).await,
        Endpoint::MessagePurge => messages::purge(x).await,
        Endpoint::ExecutionList => executions::list(x).await,
        Endpoint::ExecutionRecord => executions::record(x).await,
        Endpoint::ExecutionShow => executions::show(x).await,
        Endpoint::ExecutionStop => executions::stop(x).await,
        Endpoint::Logs => logs::show(x).await,
        Endpoint::Results => results::take(x).await,
        Endpoint::NonceList => nonces::list(x).await,
        Endpoint::NonceCreate => nonces::create(x).await,
        Endpoint::NonceShow => nonces::show(x).await,
        Endpoint::NonceDelete => nonces::delete(x).await,
        Endpoint::PermissionList => permissions::list(x).await,
        Endpoint::PermissionSet => permissions::set(x).await,
        Endpoint::WorkerList => workers::list(x).await,
        Endpoint::WorkerEnsure => workers::ensure(x).await,
        Endpoint::WorkerShow => workers::show(x).await,
        Endpoint::WorkerStop => workers::stop(x).await,
        Endpoint::AliasList => aliases::list(x).await,
        Endpoint::AliasCreate => aliases::create(x).await,
        Endpoint::AliasShow => aliases::show(x).await,
        Endpoint::AliasPut => aliases::put(x).await,
        Endpoint::AliasDelete => aliases::delete(x).await,
        Endpoint::ConfigList => configs::list(x).await,
        Endpoint::ConfigCreate => configs::create(x).await,
        Endpoint::ConfigShow => configs::show(x).await,
        Endpoint::ConfigPut => configs::put(x).await,
        Endpoint::ConfigDelete => configs::delete(x).await,
        Endpoint::Search => finder::search(x).await,
        Endpoint::Utilization => usage::utilization(x).await,
        Endpoint::AdminActors => usage::actors(x).await,
        Endpoint::AdminWorkers => usage::workers(x).await,
        Endpoint::AdminExecutions => usage::executions(x).await,
    }
}
