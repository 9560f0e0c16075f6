//! Who may do what with functions, aliases and configs.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
};
use tidemill_api::{ErrorCode, Grants, NewGrant, route};
use tidemill_core::access::{self, Level, Object, UnknownLevel};

use super::{
    Problems, aliases, configs,
    extract::{InProject, Params, json, no_function},
    scope::Scope,
};
use crate::{auth, refusal::Refusal, shared::App, shield::Shield};

fn wire(grants: &access::Grants) -> Grants {
    Grants { grants: grants.0.iter().map(|(user, level)| (user.clone(), level.to_string())).collect() }
}

async fn show(app: &App, object: Object) -> Result<Json<Grants>, Refusal> {
    Ok(Json(wire(&app.engine.directory().grants(&object).await?)))
}

/// A level by its word, in capitals or not.
pub(super) fn level(text: &str) -> Result<Level, Refusal> {
    text.to_ascii_uppercase().parse().map_err(|error: UnknownLevel| Refusal::parameter("level", error))
}

async fn add(app: &App, object: Object, content: Body) -> Result<Json<Grants>, Refusal> {
    let NewGrant { user, level: wanted } = json(app, content).await?;
    let level = level(&wanted)?;
    if !auth::is_user_name(&user) {
        return Err(Refusal::parameter("user", "it is no name of a user"));
    }
    let engine = app.engine.clone();
    let work = async move { engine.directory().grant(&object, &user, level).await };
    Ok(Json(wire(&Shield::new(work, &app.tasks).await?)))
}

fn function(app: &App, scope: &Scope) -> Result<Object, Refusal> {
    let function = scope.function();
    match app.engine.target(&function) {
        Some(_) => Ok(Object::function(&function)),
        None => Err(no_function(app, &function)),
    }
}

async fn alias(app: &App, scope: &Scope, name: &str) -> Result<Object, Refusal> {
    aliases::find(app, scope, name).await?;
    Ok(Object::alias(scope.project(), name))
}

async fn config(app: &App, scope: &Scope, name: &str) -> Result<Object, Refusal> {
    match app.engine.directory().config(scope.project(), name).await? {
        Some(_) => Ok(Object::config(scope.project(), name)),
        None => Err(configs::missing(name)),
    }
}

/// Who may do what with a function.
#[utoipa::path(get, path = route::FUNCTION_GRANTS, tag = "access", operation_id = "list_function_grants",
    params(("name" = String, Path, description = "The function."), InProject),
    responses(Problems, (status = 200, description = "The grants.", body = Grants)))]
pub(super) async fn of_function(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<Grants>, Refusal> {
    show(&app, function(&app, &scope)?).await
}

/// Sets what a user may do with a function.
#[utoipa::path(post, path = route::FUNCTION_GRANTS, tag = "access", operation_id = "grant_function",
    params(("name" = String, Path, description = "The function."), InProject), request_body = NewGrant,
    responses(Problems, (status = 200, description = "The grants as they are now.", body = Grants)))]
pub(super) async fn to_function(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
    content: Body,
) -> Result<Json<Grants>, Refusal> {
    add(&app, function(&app, &scope)?, content).await
}

/// Who may do what with an alias.
#[utoipa::path(get, path = route::ALIAS_GRANTS, tag = "access", operation_id = "list_alias_grants",
    params(("alias" = String, Path, description = "The alias."), InProject),
    responses(Problems, (status = 200, description = "The grants.", body = Grants)))]
pub(super) async fn of_alias(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
) -> Result<Json<Grants>, Refusal> {
    show(&app, alias(&app, &scope, &name).await?).await
}

/// Sets what a user may do with an alias. It gives no right on the function.
#[utoipa::path(post, path = route::ALIAS_GRANTS, tag = "access", operation_id = "grant_alias",
    params(("alias" = String, Path, description = "The alias."), InProject), request_body = NewGrant,
    responses(Problems, (status = 200, description = "The grants as they are now.", body = Grants)))]
pub(super) async fn to_alias(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
    content: Body,
) -> Result<Json<Grants>, Refusal> {
    add(&app, alias(&app, &scope, &name).await?, content).await
}

/// Who may do what with a config.
#[utoipa::path(get, path = route::CONFIG_GRANTS, tag = "access", operation_id = "list_config_grants",
    params(("config" = String, Path, description = "The config."), InProject),
    responses(Problems, (status = 200, description = "The grants.", body = Grants)))]
pub(super) async fn of_config(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
) -> Result<Json<Grants>, Refusal> {
    show(&app, config(&app, &scope, &name).await?).await
}

/// Sets what a user may do with a config.
#[utoipa::path(post, path = route::CONFIG_GRANTS, tag = "access", operation_id = "grant_config",
    params(("config" = String, Path, description = "The config."), InProject), request_body = NewGrant,
    responses(Problems, (status = 200, description = "The grants as they are now.", body = Grants)))]
pub(super) async fn to_config(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
    content: Body,
) -> Result<Json<Grants>, Refusal> {
    add(&app, config(&app, &scope, &name).await?, content).await
}

/// An object whose name nobody may have.
pub(super) fn unusable(what: &str, name: &str, reason: &str) -> Refusal {
    let shown: String = name.chars().take(80).collect();
    Refusal::new(ErrorCode::BadName, format!("{shown:?} is not the name of {what}: {reason}"))
}
