//! `POST /v1/functions`: a package comes in, a revision serves.
//!
//! What is deployed, and so who may deploy it, stands in the package: it is unpacked first, then judged, then deployed.
//!
//! The request is `multipart/form-data` with a part `package` (a file; its name tells the kind) and, if wanted, a part
//! `overrides` (JSON). With `Accept: application/x-ndjson` the answer is a stream: progress, then the end. A deployment
//! whose caller hangs up is given up while it is built, and goes on when that is done.

use std::convert::Infallible;

use async_trait::async_trait;
use axum::{
    Json,
    extract::{
        DefaultBodyLimit, FromRequest, Multipart, Request, State,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use tidemill_api::{DeployNews, Deployed, ErrorCode, route};
use tidemill_core::{
    FunctionName, FunctionRef,
    access::{Demand, Level, Object, Principal, demands},
    manifest::Overrides,
    ports::{Package, Progress},
    spec::{FunctionSpec, MessageSource, Trigger, TriggerKind},
};
use tidemill_engine::{DeployRequest, Deployed as Outcome, Prepared, Readiness, Source};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::{
    Problems,
    extract::{InProject, Params},
    scope::Scope,
};
use crate::{refusal::Refusal, shared::App, shield::Shield};

/// The media type of a stream of JSON lines.
const NDJSON: &str = "application/x-ndjson";
/// Lines of progress that may wait for a slow reader; more are left out.
const LINES_MAX: usize = 1024;
/// The largest `overrides` part, in bytes.
const OVERRIDES_BYTES_MAX: u64 = 1024 * 1024;

/// The parts of the request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the request in the OpenAPI document")]
pub(super) struct DeployForm {
    /// The code: one source file, a zip, a tar or a tar.gz, with its file name. Absent when `overrides` name an image.
    #[schema(value_type = Option<String>, format = Binary)]
    package: Option<Vec<u8>>,
    /// Settings that win over the package's own, as JSON.
    overrides: Option<String>,
}

/// A deployment as the API shows it.
pub(super) fn wire(app: &App, deployed: Outcome) -> Deployed {
    let addresses = app.engine.function(&deployed.function).map_or_else(Vec::new, |view| view.addresses);
    Deployed {
        project: deployed.function.project.to_string(),
        name: deployed.function.name.to_string(),
        revision: deployed.revision.0,
        spec: deployed.spec.as_ref().into(),
        unchanged: deployed.unchanged,
        addresses,
        warnings: deployed.warnings,
    }
}

/// Deploys a function: a new revision is built, started, and serves when it is ready. What served before serves until then.
#[utoipa::path(post, path = route::FUNCTIONS, tag = "functions", operation_id = "deploy_function", params(InProject),
    request_body(content = DeployForm, content_type = "multipart/form-data"),
    responses(Problems,
        (status = 200, description = "Code and settings were those of the active revision; or, with `Accept: application/x-ndjson`, the stream of DeployNews.", body = Deployed),
        (status = 201, description = "The new revision serves.", body = Deployed)))]
pub(super) async fn deploy(
    State(app): State<App>,
    scope: Scope,
    Params(query): Params<InProject>,
    request: Request,
) -> Result<Response, Refusal> {
    let wants_stream = wants_stream(request.headers());
    let (package, mut overrides) = read(&app, request).await?;
    if query.names_one() || scope.principal().is_some() {
        overrides.project.get_or_insert(scope.project().to_string());
    }
    let prepared = app.engine.prepare(Source::Package { package, overrides }).await?;
    may_deploy(&app, &scope, &prepared).await?;
    let owner = Some(scope.acting());
    let source = Source::Prepared(Box::new(prepared));
    let request = DeployRequest { source, readiness: Readiness::Checked, again: false, owner };
    if wants_stream { Ok(streamed(app, request)) } else { whole(app, request).await }
}

/// Whether this deployment may take place: by the settings of the server, and by the rights of whoever asks. Whoever deploys a
/// new function may do everything with it from then on.
async fn may_deploy(app: &App, scope: &Scope, prepared: &Prepared) -> Result<(), Refusal> {
    let Prepared { function, spec, .. } = prepared;
    let forbidden = |detail: String| Err(Refusal::new(ErrorCode::Forbidden, detail));
    if let Some(refused) = spec.container.as_deref().and_then(|container| app.config.containers.refused(container)) {
        let refusal = Refusal::new(ErrorCode::Forbidden, format!("this server does not give {refused} to containers"));
        return Err(refusal.hint("the settings docker.privileged and docker.mounts allow it"));
    }
    let object = Object::function(function);
    if let Some(principal) = scope.principal() {
        if function.project != principal.project {
            let (own, other) = (&principal.project, &function.project);
            return forbidden(format!("{} acts in project {own} and not in {other}", principal.user));
        }
        may_demand(app, scope, spec, prepared.files())?;
        for (other, level) in others(spec) {
            let other = FunctionRef::new(function.project.clone(), other);
            scope.require(app, &Object::function(&other), level).await?;
        }
    }
    match app.engine.target(function) {
        Some(_) => scope.require(app, &object, Level::Update).await,
        None => Ok(()),
    }
}

/// What only some roles may ask for. `files` are those of the package.
fn may_demand(app: &App, scope: &Scope, spec: &FunctionSpec, files: &[String]) -> Result<(), Refusal> {
    let Some(principal) = scope.principal() else { return Ok(()) };
    let roles = app.config.process_roles;
    let may = |demand: &Demand| match roles.needed(demand) {
        Some(role) => principal.has(role),
        None => principal.is_privileged(),
    };
    match demands(spec, files).into_iter().find(|demand| !may(demand)) {
        None => Ok(()),
        Some(demand) => {
            let detail = format!("{demand} needs a role that {} does not have", principal.user);
            let others = match principal.has(roles.closed) {
                true => "images, WebAssembly, webhooks, and processes that are not built and have no network,",
                false => "images, WebAssembly and webhooks",
            };
            let hint = format!("{others} may be deployed with this role; ask an administrator for the rest");
            Err(Refusal::new(ErrorCode::Forbidden, detail).hint(&hint))
        }
    }
}

/// The functions whose responses it gets or that it tells of itself, and what is needed of them.
fn others(spec: &FunctionSpec) -> Vec<(FunctionName, Level)> {
    let source = |trigger: &Trigger| match &trigger.kind {
        TriggerKind::Message(message) => match &message.source {
            MessageSource::Responses(function) => Some((function.clone(), Level::Read)),
            MessageSource::Topic(_) => None,
        },
        TriggerKind::Http(_) | TriggerKind::Cron(_) => None,
    };
    let told = spec.notify.iter().map(|function| (function.clone(), Level::Execute));
    spec.triggers.values().filter_map(source).chain(told).collect()
}

/// Whether a rollback may take place: the revision gone back to may ask for more than whoever goes back to it may. What its package
/// depends on was installed when somebody who might do so deployed it.
pub(super) async fn may_go_back(
    app: &App,
    scope: &Scope,
    function: &FunctionRef,
    to: Option<u32>,
) -> Result<(), Refusal> {
    if scope.principal().is_none_or(Principal::is_privileged) {
        return Ok(());
    }
    let Some(active) = app.engine.function(function).map(|view| view.revision.0) else { return Ok(()) };
    let revisions = app.engine.store().revisions(function).await?;
    let is_meant = |number: u32| to.map_or(number < active, |to| number == to);
    match revisions.iter().find(|revision| is_meant(revision.number.0)) {
        Some(revision) => may_demand(app, scope, &revision.spec, &[]),
        None => Ok(()),
    }
}

fn wants_stream(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains(NDJSON)))
}

/// Hears of progress and passes it on, or not.
struct News {
    reader: Option<mpsc::Sender<DeployNews>>,
    /// Cancelled when the caller has hung up, or the server stops.
    end: CancellationToken,
}

#[async_trait]
impl Progress for News {
    fn line(&self, text: &str) {
        if let Some(sender) = &self.reader {
            // A reader who is too slow, or gone, misses lines and not the end.
            let _ = sender.try_send(DeployNews::Progress(text.to_owned()));
        }
    }

    async fn given_up(&self) {
        self.end.cancelled().await;
    }
}

async fn whole(app: App, request: DeployRequest) -> Result<Response, Refusal> {
    let (engine, end) = (app.engine.clone(), app.stop.child_token());
    let news = News { reader: None, end: end.clone() };
    let _caller = end.drop_guard();
    let deployed = Shield::new(async move { engine.deploy(request, &news).await }, &app.tasks).await?;
    let status = if deployed.unchanged { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(wire(&app, deployed))).into_response())
}

fn streamed(app: App, request: DeployRequest) -> Response {
    let (sender, receiver) = mpsc::channel(LINES_MAX);
    let (tasks, end) = (app.tasks.clone(), app.stop.child_token());
    let news = News { reader: Some(sender.clone()), end: end.clone() };
    tasks.spawn(async move {
        let last = match app.engine.deploy(request, &news).await {
            Ok(deployed) => DeployNews::Deployed(Box::new(wire(&app, deployed))),
            Err(error) => DeployNews::Problem(Refusal::from(error).0),
        };
        let _ = sender.send(last).await;
    });
    // The guard ends with the body, and that with its connection.
    let lines = stream::unfold((receiver, end.drop_guard()), |(mut receiver, caller)| async move {
        let news = receiver.recv().await?;
        let mut line = serde_json::to_vec(&news).expect("wire types have text keys only");
        line.push(b'\n');
        Some((Ok::<_, Infallible>(Bytes::from(line)), (receiver, caller)))
    });
    let content_type = HeaderValue::from_static(NDJSON);
    ([(header::CONTENT_TYPE, content_type)], axum::body::Body::from_stream(lines)).into_response()
}

async fn read(app: &App, mut request: Request) -> Result<(Package, Overrides), Refusal> {
    use axum::RequestExt;
    let limit = app.config.package_bytes_max;
    if content_length(request.headers()).is_some_and(|length| length > limit + OVERRIDES_BYTES_MAX) {
        return Err(too_large(limit));
    }
    // Parts are counted below; axum's own limit would refuse without saying so.
    DefaultBodyLimit::disable().apply(&mut request);
    let request = request.with_limited_body();
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| {
        Refusal::new(ErrorCode::UnsupportedMediaType, "the content type is not multipart/form-data with a boundary")
            .hint("send multipart/form-data with a part `package`, as in curl -F package=@hello.py")
    })?;
    let (mut package, mut overrides) = (None, Overrides::default());
    loop {
        let next = timeout(app.config.request_read_timeout, form.next_field()).await.map_err(|_| too_slow())?;
        let Some(field) = next.map_err(|error| malformed(&error))? else { break };
        match field.name() {
            Some("package") => {
                let file_name = field.file_name().unwrap_or_default().to_owned();
                if file_name.is_empty() {
                    return Err(Refusal::new(ErrorCode::BadRequest, "the part `package` has no file name"));
                }
                package = Some(Package { file_name, content: part(app, field, limit).await? });
            }
            Some("overrides") => {
                let text = part(app, field, OVERRIDES_BYTES_MAX).await?;
                overrides = serde_json::from_slice(&text)
                    .map_err(|error| Refusal::new(ErrorCode::BadRequest, format!("the part `overrides`: {error}")))?;
            }
            other => {
                let name = other.unwrap_or_default();
                let detail = format!("the part {name:?} is not known; there are `package` and `overrides`");
                return Err(Refusal::new(ErrorCode::BadRequest, detail));
            }
        }
    }
    // An image needs no files.
    let of_image = || overrides.image.as_ref().and(overrides.name.as_deref()).map(Package::empty);
    let package = package.or_else(of_image).ok_or_else(|| {
        Refusal::new(ErrorCode::BadRequest, "the part `package` is missing")
            .hint("only `overrides` that name an `image` and a `name` go without")
    })?;
    Ok((package, overrides))
}

async fn part(app: &App, mut field: Field<'_>, limit: u64) -> Result<Bytes, Refusal> {
    let mut content = BytesMut::new();
    loop {
        let next = timeout(app.config.request_read_timeout, field.chunk()).await.map_err(|_| too_slow())?;
        let Some(chunk) = next.map_err(|error| malformed(&error))? else { break };
        if (content.len() + chunk.len()) as u64 > limit {
            return Err(too_large(limit));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content.freeze())
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: u64) -> Refusal {
    Refusal::new(ErrorCode::BodyTooLarge, format!("the package is larger than {limit} bytes"))
}

fn malformed(error: &MultipartError) -> Refusal {
    tracing::debug!(error = error.body_text(), "a form cannot be read");
    Refusal::new(
        ErrorCode::BadRequest,
        "the form is malformed or breaks off: its parts do not end as the boundary says",
    )
}

fn too_slow() -> Refusal {
    Refusal::new(ErrorCode::RequestTimeout, "the package came too slowly")
}
