//! Nonces: for callers without a token.
//!
//! A nonce acts as whoever made it, so it can be listed by those only who may do everything with its object; those that know
//! stronger roles than the reader has are listed without their ids ([`crate::nonce`]).

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
};
use tidemill_api::{ErrorCode, NewNonce, Nonce, NonceList, route};
use tidemill_core::{
    FunctionRef,
    access::{Level, Object},
};
use tidemill_engine::directory::{self, DirectoryError};

use super::{
    Problems, aliases,
    extract::{InProject, Params, json, no_function},
    grants::level,
    scope::Scope,
};
use crate::{
    nonce::{self, Reader},
    refusal::Refusal,
    shared::App,
    shield::Shield,
};

fn wire(nonce: directory::Nonce) -> Nonce {
    Nonce {
        id: nonce.id,
        owner: nonce.owner,
        roles: nonce.roles.iter().map(|role| role.as_str().to_owned()).collect(),
        level: nonce.level.to_string(),
        uses_max: nonce.uses_max,
        uses: nonce.uses,
        description: nonce.description,
        created_at: nonce.created_at.into(),
        last_used_at: nonce.last_used_at.map(Into::into),
    }
}

async fn list(app: &App, scope: &Scope, object: Object) -> Result<Json<NonceList>, Refusal> {
    let nonces = app.engine.directory().nonces(&object).await?;
    let principal = scope.acting();
    let grants = app.engine.directory().grants(&object).await?;
    let reader = Reader::new(&principal, &[&grants], scope.is_bearer());
    let seen = |nonce| {
        let id = nonce::shown(&nonce, &reader);
        Nonce { id, ..wire(nonce) }
    };
    Ok(Json(NonceList { nonces: nonces.into_iter().map(seen).collect() }))
}

async fn create(app: &App, scope: &Scope, object: Object, content: Body) -> Result<(StatusCode, Json<Nonce>), Refusal> {
    let wanted: NewNonce = json(app, content).await?;
    if wanted.uses_max == Some(0) {
        return Err(Refusal::parameter("uses_max", "it must be at least 1; leave it out for no limit"));
    }
    let level = wanted.level.as_deref().map_or(Ok(Level::Execute), level)?;
    let principal = scope.acting();
    let new = directory::NewNonce {
        object,
        owner: principal.user,
        roles: principal.roles,
        level,
        uses_max: wanted.uses_max,
        description: wanted.description,
    };
    let engine = app.engine.clone();
    let nonce = Shield::new(async move { engine.directory().create_nonce(new).await }, &app.tasks).await?;
    Ok((StatusCode::CREATED, Json(wire(nonce))))
}

async fn delete(app: &App, object: &Object, id: &str) -> Result<StatusCode, Refusal> {
    let missing = || Refusal::new(ErrorCode::NoNonce, format!("{} has no such nonce", object.name));
    let directory = app.engine.directory();
    let nonce = directory.nonce(object, id).await?;
    if nonce.is_none_or(|nonce| nonce.object != *object) {
        return Err(missing());
    }
    match directory.delete_nonce(object, id).await {
        Err(DirectoryError::NotFound) => Err(missing()),
        deleted => Ok(deleted.map(|()| StatusCode::NO_CONTENT)?),
    }
}

fn function(app: &App, scope: &Scope) -> Result<Object, Refusal> {
    let function = scope.function();
    match app.engine.target(&function) {
        Some(_) => Ok(Object::function(&function)),
        None => Err(no_function(app, &function)),
    }
}

/// The alias, for those who may also do everything with its function: that is what its nonces let one do.
async fn alias(app: &App, scope: &Scope, name: &str) -> Result<Object, Refusal> {
    let alias = aliases::find(app, scope, name).await?;
    let function = FunctionRef::new(scope.project().clone(), alias.function);
    scope.require(app, &Object::function(&function), Level::Update).await?;
    Ok(Object::alias(scope.project(), name))
}

/// The nonces of a function, the oldest first.
#[utoipa::path(get, path = route::FUNCTION_NONCES, tag = "access", operation_id = "list_function_nonces",
    params(("name" = String, Path, description = "The function."), InProject),
    responses(Problems, (status = 200, description = "The nonces.", body = NonceList)))]
pub(super) async fn of_function(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<NonceList>, Refusal> {
    list(&app, &scope, function(&app, &scope)?).await
}

/// Makes a nonce of a function: whoever shows it as `x-nonce` acts on that function as whoever made it.
#[utoipa::path(post, path = route::FUNCTION_NONCES, tag = "access", operation_id = "create_function_nonce",
    params(("name" = String, Path, description = "The function."), InProject), request_body = Option<NewNonce>,
    responses(Problems, (status = 201, description = "The nonce.", body = Nonce)))]
pub(super) async fn create_of_function(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
    content: Body,
) -> Result<(StatusCode, Json<Nonce>), Refusal> {
    create(&app, &scope, function(&app, &scope)?, content).await
}

/// Deletes a nonce of a function.
#[utoipa::path(delete, path = route::FUNCTION_NONCE, tag = "access", operation_id = "delete_function_nonce",
    params(("name" = String, Path, description = "The function."), ("nonce" = String, Path, description = "The nonce."), InProject),
    responses(Problems, (status = 204, description = "It lets nobody in any more.")))]
pub(super) async fn delete_of_function(
    State(app): State<App>,
    scope: Scope,
    Path((_name, id)): Path<(String, String)>,
    _: Params<InProject>,
) -> Result<StatusCode, Refusal> {
    delete(&app, &function(&app, &scope)?, &id).await
}

/// The nonces of an alias, the oldest first.
#[utoipa::path(get, path = route::ALIAS_NONCES, tag = "access", operation_id = "list_alias_nonces",
    params(("alias" = String, Path, description = "The alias."), InProject),
    responses(Problems, (status = 200, description = "The nonces.", body = NonceList)))]
pub(super) async fn of_alias(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
) -> Result<Json<NonceList>, Refusal> {
    list(&app, &scope, alias(&app, &scope, &name).await?).await
}

/// Makes a nonce of an alias: it follows the alias to whatever function that names.
#[utoipa::path(post, path = route::ALIAS_NONCES, tag = "access", operation_id = "create_alias_nonce",
    params(("alias" = String, Path, description = "The alias."), InProject), request_body = Option<NewNonce>,
    responses(Problems, (status = 201, description = "The nonce.", body = Nonce)))]
pub(super) async fn create_of_alias(
    State(app): State<App>,
    scope: Scope,
    Path(name): Path<String>,
    _: Params<InProject>,
    content: Body,
) -> Result<(StatusCode, Json<Nonce>), Refusal> {
    create(&app, &scope, alias(&app, &scope, &name).await?, content).await
}

/// Deletes a nonce of an alias.
#[utoipa::path(delete, path = route::ALIAS_NONCE, tag = "access", operation_id = "delete_alias_nonce",
    params(("alias" = String, Path, description = "The alias."), ("nonce" = String, Path, description = "The nonce."), InProject),
    responses(Problems, (status = 204, description = "It lets nobody in any more.")))]
pub(super) async fn delete_of_alias(
    State(app): State<App>,
    scope: Scope,
    Path((name, id)): Path<(String, String)>,
    _: Params<InProject>,
) -> Result<StatusCode, Refusal> {
    delete(&app, &alias(&app, &scope, &name).await?, &id).await
}
