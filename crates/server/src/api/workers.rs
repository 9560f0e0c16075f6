//! The workers of a function on this node, and images made of its code.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
};
use tidemill_api::{Ensured, ErrorCode, Image, NewImage, Worker, WorkerCount, WorkerList, route};
use tidemill_core::ports::Progress;
use tidemill_engine::WorkerView;

use super::{
    Problems,
    extract::{InProject, Params, json, no_function},
    scope::Scope,
};
use crate::{refusal::Refusal, shared::App, shield::Shield};

/// The most workers that one may ask for.
const WORKERS_MAX: u32 = 1000;
/// The longest name of an image, in bytes.
const IMAGE_BYTES_MAX: usize = 255;

fn wire(view: WorkerView) -> Worker {
    Worker {
        id: view.id,
        status: view.status.as_str().to_owned(),
        revision: view.revision.0,
        started_at: view.started_at.into(),
        last_call_at: view.last_call_at.map(Into::into),
        driver: view.place.driver,
        image: view.place.image,
        instance: view.place.instance,
    }
}

/// The workers of a function, the oldest first.
#[utoipa::path(get, path = route::WORKERS, tag = "functions", operation_id = "list_workers",
    params(("name" = String, Path, description = "The function."), InProject),
    responses(Problems, (status = 200, description = "The workers.", body = WorkerList)))]
pub(super) async fn list(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<WorkerList>, Refusal> {
    let function = scope.function();
    if app.engine.target(&function).is_none() {
        return Err(no_function(&app, &function));
    }
    Ok(Json(WorkerList { workers: app.engine.workers(&function).into_iter().map(wire).collect() }))
}

/// Sees to it that a function has at least so many workers now. They start in the background; idle ones end after the
/// function's idle timeout as usual. More than its maximum needs the role privileged.
#[utoipa::path(post, path = route::WORKERS, tag = "functions", operation_id = "ensure_workers",
    params(("name" = String, Path, description = "The function."), InProject), request_body = Option<WorkerCount>,
    responses(Problems, (status = 202, description = "Those that were missing are being started.", body = Ensured)))]
pub(super) async fn ensure(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
    content: Body,
) -> Result<(StatusCode, Json<Ensured>), Refusal> {
    let function = scope.function();
    let view = app.engine.function(&function).ok_or_else(|| no_function(&app, &function))?;
    let wanted: WorkerCount = json(&app, content).await?;
    let count = wanted.count.unwrap_or(1);
    if count > WORKERS_MAX {
        return Err(Refusal::parameter("count", format!("it can be {WORKERS_MAX} at most")));
    }
    if count > view.workers.max {
        scope.require_privileged(&format!("more than the {} workers that {function} may have", view.workers.max))?;
    }
    let ensured = app.engine.ensure_workers(&function, count).await?;
    Ok((StatusCode::ACCEPTED, Json(Ensured { before: ensured.before, started: ensured.started })))
}

/// Stops a worker: it finishes its calls and takes no more.
#[utoipa::path(delete, path = route::WORKER, tag = "functions", operation_id = "stop_worker",
    params(("name" = String, Path, description = "The function."), ("worker" = String, Path, description = "The worker."), InProject),
    responses(Problems, (status = 202, description = "It stops when its calls have ended.")))]
pub(super) async fn stop(
    State(app): State<App>,
    scope: Scope,
    Path((_name, worker)): Path<(String, String)>,
    _: Params<InProject>,
) -> Result<StatusCode, Refusal> {
    let function = scope.function();
    if app.engine.stop_worker(&function, &worker).await? {
        Ok(StatusCode::ACCEPTED)
    } else {
        let shown: String = worker.chars().take(100).collect();
        Err(Refusal::new(ErrorCode::UnknownWorker, format!("{function} has no worker {shown:?}")))
    }
}

/// How a build goes, for the log.
struct Building;

impl Progress for Building {
    fn line(&self, text: &str) {
        tracing::debug!(text, "building an image");
    }
}

/// Makes a container image of the active revision, on top of another image. It needs the role privileged, for it may take the
/// place of an image that others use.
#[utoipa::path(post, path = route::IMAGE, tag = "functions", operation_id = "build_image",
    params(("name" = String, Path, description = "The function."), InProject), request_body = NewImage,
    responses(Problems, (status = 201, description = "The image.", body = Image)))]
pub(super) async fn build_image(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
    content: Body,
) -> Result<(StatusCode, Json<Image>), Refusal> {
    let function = scope.function();
    scope.require_privileged("an image")?;
    let NewImage { base, tag } = json(&app, content).await?;
    for (name, text) in [("base", &base), ("tag", &tag)] {
        if text.is_empty() || text.len() > IMAGE_BYTES_MAX || text.chars().any(|c| c.is_control() || c == ' ') {
            return Err(Refusal::parameter(name, "it must be the name of an image, as in hello:1"));
        }
    }
    let (engine, called) = (app.engine.clone(), tag.clone());
    let work = async move { engine.build_image(&function, &base, &called, &Building).await };
    let image = Shield::new(work, &app.tasks).await?;
    Ok((StatusCode::CREATED, Json(Image { image, tag })))
}
