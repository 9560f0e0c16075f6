//! Configs: named values for functions, plain or secret.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
};
use tidemill_api::{Config, ConfigList, ConfigValue, ErrorCode, NewConfig, route};
use tidemill_core::{
    FunctionRef,
    access::{Level, Object, ObjectKind},
};
use tidemill_engine::directory::{self, DirectoryError};

use super::{
    Problems, authorize,
    extract::{InProject, Params, json, no_function},
    grants::unusable,
    scope::Scope,
};
use crate::{refusal::Refusal, shared::App, shield::Shield};

/// The longest name, in characters.
const NAME_LENGTH_MAX: usize = 128;
/// The largest value, in bytes. Containers get all of their configs in one variable, which Linux bounds at 128 KiB.
pub(crate) const VALUE_BYTES_MAX: usize = 64 * 1024;

fn wire(config: directory::Config) -> Config {
    let names = config.targets.split(',').map(str::trim).filter(|name| !name.is_empty());
    Config {
        functions: names.map(str::to_owned).collect(),
        name: config.name,
        value: (!config.is_secret).then_some(config.value),
        secret: config.is_secret,
        owner: config.creator,
        created_at: config.created_at.into(),
        updated_at: config.updated_at.into(),
    }
}

/// There is no config of that name.
pub(super) fn missing(name: &str) -> Refusal {
    let shown: String = name.chars().take(80).collect();
    Refusal::new(ErrorCode::NoConfig, format!("there is no config {shown}"))
        .hint("GET /v1/configs lists those there are")
}

/// What is stored: for functions that are there and that whoever writes it may do everything with.
async fn checked(app: &App, scope: &Scope, new: NewConfig) -> Result<directory::NewConfig, Refusal> {
    if new.value.len() > VALUE_BYTES_MAX {
        return Err(Refusal::new(ErrorCode::BodyTooLarge, format!("a value has at most {VALUE_BYTES_MAX} bytes")));
    }
    for name in &new.functions {
        let (function, _) = authorize::resolve(app, scope.project(), name).await?;
        scope.require(app, &Object::function(&function), Level::Update).await?;
        if app.engine.target(&function).is_none() {
            return Err(no_function(app, &FunctionRef::new(scope.project().clone(), function.name)));
        }
    }
    let principal = scope.acting();
    Ok(directory::NewConfig {
        name: new.name,
        value: new.value,
        is_secret: new.secret,
        targets: new.functions.join(","),
        creator_is_admin: principal.is_admin(),
        creator: principal.user,
    })
}

/// The configs of a project, by name, without the values of secret ones.
#[utoipa::path(get, path = route::CONFIGS, tag = "access", operation_id = "list_configs", params(InProject),
    responses(Problems, (status = 200, description = "The configs.", body = ConfigList)))]
pub(super) async fn list(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<ConfigList>, Refusal> {
    let readable = scope.readable(&app, ObjectKind::Config).await?;
    let configs = app.engine.directory().configs(scope.project()).await?;
    let configs = configs.into_iter().filter(|config| readable.has(&config.name)).map(wire).collect();
    Ok(Json(ConfigList { configs }))
}

/// Makes a config for functions that one may do everything with.
#[utoipa::path(post, path = route::CONFIGS, tag = "access", operation_id = "create_config", params(InProject),
    request_body = NewConfig, responses(Problems, (status = 201, description = "The config.", body = Config)))]
pub(super) async fn create(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
    content: Body,
) -> Result<(StatusCode, Json<Config>), Refusal> {
    let new: NewConfig = json(&app, content).await?;
    let name = new.name.clone();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > NAME_LENGTH_MAX || !name.chars().all(fits) {
        return Err(unusable("a config", &name, "it may hold up to 128 letters, digits, '-', '_' and '.'"));
    }
    let new = checked(&app, &scope, new).await?;
    let (engine, project) = (app.engine.clone(), scope.project().clone());
    match Shield::new(async move { engine.directory().create_config(&project, new).await }, &app.tasks).await {
        Ok(config) => Ok((StatusCode::CREATED, Json(wire(config)))),
        Err(DirectoryError::Exists) => {
            Err(Refusal::new(ErrorCode::Exists, format!("there is a config {name} already")))
        }
        Err(error) => Err(error.into()),
    }
}

/// One config, without its value when that is secret.
#[utoipa::path(get, path = route::CONFIG, tag = "access", operation_id = "show_config",
    params(("config" = String, Path, description = "The config."), InProject),
    responses(Problems, (status = 200, description = "The config.", body = Config)))]
pub(super) async fn show(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
) -> Result<Json<Config>, Refusal> {
    let found = app.engine.directory().config(scope.project(), &name).await?;
    Ok(Json(wire(found.ok_or_else(|| missing(&name))?)))
}

/// Writes a config anew: for functions that one may do everything with.
#[utoipa::path(put, path = route::CONFIG, tag = "access", operation_id = "put_config",
    params(("config" = String, Path, description = "The config."), InProject), request_body = ConfigValue,
    responses(Problems, (status = 200, description = "The config.", body = Config)))]
pub(super) async fn put(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
    content: Body,
) -> Result<Json<Config>, Refusal> {
    let ConfigValue { value, secret, functions } = json(&app, content).await?;
    let new = checked(&app, &scope, NewConfig { name: name.clone(), value, secret, functions }).await?;
    let (engine, project) = (app.engine.clone(), scope.project().clone());
    match Shield::new(async move { engine.directory().put_config(&project, new).await }, &app.tasks).await {
        Ok(config) => Ok(Json(wire(config))),
        Err(DirectoryError::NotFound) => Err(missing(&name)),
        Err(error) => Err(error.into()),
    }
}

/// Deletes a config with its grants.
#[utoipa::path(delete, path = route::CONFIG, tag = "access", operation_id = "delete_config",
    params(("config" = String, Path, description = "The config."), InProject),
    responses(Problems, (status = 204, description = "It is gone.")))]
pub(super) async fn delete(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
) -> Result<StatusCode, Refusal> {
    let (engine, project, config) = (app.engine.clone(), scope.project().clone(), name.clone());
    match Shield::new(async move { engine.directory().delete_config(&project, &config).await }, &app.tasks).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(DirectoryError::NotFound) => Err(missing(&name)),
        Err(error) => Err(error.into()),
    }
}
