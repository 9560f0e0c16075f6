//! Aliases: further names of functions.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
};
use tidemill_api::{Alias, AliasList, AliasTarget, ErrorCode, NewAlias, route};
use tidemill_core::{
    FunctionName, FunctionRef,
    access::{Level, Object, ObjectKind},
};
use tidemill_engine::directory::{self, DirectoryError};

use super::{
    Problems,
    extract::{InProject, Params, json, no_function},
    scope::Scope,
};
use crate::{refusal::Refusal, shared::App, shield::Shield};

fn wire(alias: directory::Alias) -> Alias {
    Alias {
        name: alias.name,
        function: alias.function.to_string(),
        owner: alias.owner,
        created_at: alias.created_at.into(),
    }
}

fn missing(name: &str) -> Refusal {
    let shown: String = name.chars().take(80).collect();
    Refusal::new(ErrorCode::NoAlias, format!("there is no alias {shown}")).hint("GET /v1/aliases lists those there are")
}

/// The alias of that name.
pub(super) async fn find(app: &App, scope: &Scope, name: &str) -> Result<directory::Alias, Refusal> {
    app.engine.directory().alias(scope.project(), name).await?.ok_or_else(|| missing(name))
}

/// A function that an alias may name: there, and one that whoever asks may do everything with.
async fn target(app: &App, scope: &Scope, name: &str) -> Result<FunctionName, Refusal> {
    let function = FunctionRef::new(scope.project().clone(), name.parse()?);
    scope.require(app, &Object::function(&function), Level::Update).await?;
    if app.engine.target(&function).is_none() {
        return Err(no_function(app, &function));
    }
    Ok(function.name)
}

/// The aliases of a project, by name.
#[utoipa::path(get, path = route::ALIASES, tag = "access", operation_id = "list_aliases", params(InProject),
    responses(Problems, (status = 200, description = "The aliases.", body = AliasList)))]
pub(super) async fn list(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<AliasList>, Refusal> {
    let readable = scope.readable(&app, ObjectKind::Alias).await?;
    let aliases = app.engine.directory().aliases(scope.project()).await?;
    let aliases = aliases.into_iter().filter(|alias| readable.has(&alias.name)).map(wire).collect();
    Ok(Json(AliasList { aliases }))
}

/// Makes an alias of a function that one may do everything with.
#[utoipa::path(post, path = route::ALIASES, tag = "access", operation_id = "create_alias", params(InProject),
    request_body = NewAlias, responses(Problems, (status = 201, description = "The alias.", body = Alias)))]
pub(super) async fn create(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
    content: Body,
) -> Result<(StatusCode, Json<Alias>), Refusal> {
    let wanted: NewAlias = json(&app, content).await?;
    // An alias stands where the name of a function may stand.
    let name: FunctionName = wanted.name.parse()?;
    let exists = || Refusal::new(ErrorCode::Exists, format!("there is a function or an alias {name} already"));
    if app.engine.target(&FunctionRef::new(scope.project().clone(), name.clone())).is_some() {
        return Err(exists());
    }
    let function = target(&app, &scope, &wanted.function).await?;
    let (engine, project, owner) = (app.engine.clone(), scope.project().clone(), scope.acting().user);
    let alias = name.clone();
    let work = async move { engine.directory().create_alias(&project, alias.as_str(), function, &owner).await };
    match Shield::new(work, &app.tasks).await {
        Ok(alias) => Ok((StatusCode::CREATED, Json(wire(alias)))),
        Err(DirectoryError::Exists) => Err(exists()),
        Err(error) => Err(error.into()),
    }
}

/// One alias.
#[utoipa::path(get, path = route::ALIAS, tag = "access", operation_id = "show_alias",
    params(("alias" = String, Path, description = "The alias."), InProject),
    responses(Problems, (status = 200, description = "The alias.", body = Alias)))]
pub(super) async fn show(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
) -> Result<Json<Alias>, Refusal> {
    Ok(Json(wire(find(&app, &scope, &name).await?)))
}

/// Lets an alias name another function that one may do everything with.
#[utoipa::path(put, path = route::ALIAS, tag = "access", operation_id = "point_alias",
    params(("alias" = String, Path, description = "The alias."), InProject), request_body = AliasTarget,
    responses(Problems, (status = 200, description = "The alias.", body = Alias)))]
pub(super) async fn point(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
    content: Body,
) -> Result<Json<Alias>, Refusal> {
    find(&app, &scope, &name).await?;
    let wanted: AliasTarget = json(&app, content).await?;
    let function = target(&app, &scope, &wanted.function).await?;
    let (engine, project, alias) = (app.engine.clone(), scope.project().clone(), name.clone());
    let work = async move { engine.directory().point_alias(&project, &alias, function).await };
    match Shield::new(work, &app.tasks).await {
        Ok(alias) => Ok(Json(wire(alias))),
        Err(DirectoryError::NotFound) => Err(missing(&name)),
        Err(error) => Err(error.into()),
    }
}

/// Deletes an alias with its grants and nonces. Its function stays.
#[utoipa::path(delete, path = route::ALIAS, tag = "access", operation_id = "delete_alias",
    params(("alias" = String, Path, description = "The alias."), InProject),
    responses(Problems, (status = 204, description = "It is gone.")))]
pub(super) async fn delete(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
) -> Result<StatusCode, Refusal> {
    let (engine, project, alias) = (app.engine.clone(), scope.project().clone(), name.clone());
    match Shield::new(async move { engine.directory().delete_alias(&project, &alias).await }, &app.tasks).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(DirectoryError::NotFound) => Err(missing(&name)),
        Err(error) => Err(error.into()),
    }
}
