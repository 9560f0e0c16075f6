//! The one door of the native API: who makes a request, where, and whether they may.
//!
//! Each route stands with the right that it needs in [`tidemill_api::route::ALL`]. This layer lies around all routes, so that
//! none can be forgotten: one that the table does not know lets nobody pass. What a right means depends on the path alone;
//! the few routes that need more (a deployment, whose function stands in its package) ask for it themselves.
//!
//! On a server without authentication everybody may do everything, and this only finds out project and function.

use axum::{
    extract::{MatchedPath, RawPathParams, Request, State},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tidemill_api::{ErrorCode, route, route::Right};
use tidemill_core::{
    FunctionName, FunctionRef, InvalidInvocationId, InvocationId, ProjectName,
    access::{Level, Object},
    ports::StoreError,
};

use super::scope::{Scope, require};
use crate::{
    auth::{self, Caller},
    nonce::{self, Credential},
    refusal::Refusal,
    shared::{App, Shared},
};

/// Lets a request pass, with its [`Scope`].
pub(super) async fn check(
    State(app): State<App>,
    matched: MatchedPath,
    members: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(right) = route::right(parts.method.as_str(), matched.as_str()) else {
        return Refusal::new(ErrorCode::Internal, "the route is not in the table of rights").into_response();
    };
    match judge(&app, right, &members, &mut parts).await {
        Ok(scope) => {
            parts.extensions.insert(scope);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// What the path says in its member `name`.
fn member<'a>(members: &'a RawPathParams, name: &str) -> Option<&'a str> {
    members.iter().find(|(member, _)| *member == name).map(|(_, text)| text)
}

/// The project that the query names.
fn named_project(parts: &Parts) -> Result<Option<ProjectName>, Refusal> {
    let Some(query) = parts.uri.query() else { return Ok(None) };
    let named = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "project");
    Ok(named.map(|(_, value)| value.parse()).transpose()?)
}

async fn judge(app: &Shared, right: Right, members: &RawPathParams, parts: &mut Parts) -> Result<Scope, Refusal> {
    let named = named_project(parts)?;
    if app.auth.is_open() || right == Right::Public {
        let project = named.unwrap_or_default();
        let function = match right {
            Right::Function(_) => Some(function(app, &project, members).await?.0),
            _ => None,
        };
        return Ok(Scope::new(None, project, function));
    }
    let credential = nonce::credential(&app.auth, parts);
    auth::strip(parts);
    match credential {
        Credential::Token(caller) => of_caller(app, right, members, named, caller).await,
        Credential::Nonce(nonce) => of_nonce(app, right, members, named, &nonce).await,
        Credential::None(Some(error)) => Err(unauthenticated(&format!("the token: {error}"))),
        Credential::None(None) => Err(unauthenticated("the request carries no token")),
    }
}

pub(crate) fn unauthenticated(detail: &str) -> Refusal {
    Refusal::new(ErrorCode::Unauthenticated, detail)
        .hint("send the header Authorization: Bearer TOKEN; the command line takes it from TIDEMILL_TOKEN")
}

async fn of_caller(
    app: &Shared,
    right: Right,
    members: &RawPathParams,
    named: Option<ProjectName>,
    caller: Caller,
) -> Result<Scope, Refusal> {
    let principal = &caller.principal;
    let project = principal.project.clone();
    if let Some(named) = named.filter(|named| *named != project) {
        let detail = format!("{} acts in project {project} and not in {named}", principal.user);
        return Err(Refusal::new(ErrorCode::Forbidden, detail));
    }
    let text = |name| member(members, name).unwrap_or_default();
    let mut of_path = None;
    match right {
        Right::Public | Right::Member => {}
        Right::Admin if principal.is_admin() => {}
        Right::Admin => {
            let detail = format!("this needs the role admin, which {} does not have", principal.user);
            return Err(Refusal::new(ErrorCode::Forbidden, detail));
        }
        Right::Function(level) => {
            let (function, _) = function(app, &project, members).await?;
            require(app, principal, &Object::function(&function), level).await?;
            of_path = Some(function);
        }
        Right::Invocation(level) => {
            let id: InvocationId = text("id")
                .parse()
                .map_err(|error: InvalidInvocationId| Refusal::new(ErrorCode::BadName, error.to_string()))?;
            let detail = app.engine.store().invocation(id).await;
            // One of another project is as one that is not there.
            let function = match detail {
                Ok(detail) if detail.invocation.function.project == project => detail.invocation.function,
                Ok(_) => return Err(Refusal::of_invocation(StoreError::NotFound, id)),
                Err(error) => return Err(Refusal::of_invocation(error, id)),
            };
            require(app, principal, &Object::function(&function), level).await?;
        }
        Right::Alias(level) => require(app, principal, &Object::alias(&project, text("alias")), level).await?,
        Right::Config(level) => require(app, principal, &Object::config(&project, text("config")), level).await?,
    }
    Ok(Scope::new(Some(caller), project, of_path))
}

/// A nonce opens what its function's or alias's path names, and nothing else.
async fn of_nonce(
    app: &Shared,
    right: Right,
    members: &RawPathParams,
    named: Option<ProjectName>,
    nonce: &str,
) -> Result<Scope, Refusal> {
    let Right::Function(level) = right else {
        return Err(unauthenticated("a nonce lets one in to one function only, and this needs a token"));
    };
    // The id begins with the project, so that no query need name it.
    let project = nonce::project(nonce).filter(|project| named.is_none_or(|named| named == *project));
    let Some(project) = project else { return Err(unauthenticated("the nonce does not exist")) };
    let (function, object) = function(app, &project, members).await?;
    let caller = by_nonce(app, nonce, &object, &function, level).await?;
    Ok(Scope::new(Some(caller), project, Some(function)))
}

/// Uses a nonce of `object`, which names `function`. Whoever made it must still have the right.
pub(crate) async fn by_nonce(
    app: &Shared,
    nonce: &str,
    object: &Object,
    function: &FunctionRef,
    level: Level,
) -> Result<Caller, Refusal> {
    let principal = app.engine.directory().use_nonce(nonce, object, level).await?;
    require(app, &principal, &Object::function(function), level).await?;
    let tenant = principal.project.to_string();
    Ok(Caller { principal, nonce: true, jwt_header: None, tenant })
}

/// The function that the path names, by its own name or by an alias, and the object that was named. It need not exist.
async fn function(
    app: &Shared,
    project: &ProjectName,
    members: &RawPathParams,
) -> Result<(FunctionRef, Object), Refusal> {
    let text = member(members, "name").or_else(|| member(members, "function")).unwrap_or_default();
    resolve(app, project, text).await
}

/// The function that `text` names in a project, by its own name or by an alias, and the object that was named.
pub(crate) async fn resolve(app: &Shared, project: &ProjectName, text: &str) -> Result<(FunctionRef, Object), Refusal> {
    let name = text.parse::<FunctionName>();
    if let Ok(name) = &name {
        let function = FunctionRef::new(project.clone(), name.clone());
        if app.engine.target(&function).is_some() {
            let object = Object::function(&function);
            return Ok((function, object));
        }
    }
    if let Some(alias) = app.engine.directory().alias(project, text).await? {
        return Ok((FunctionRef::new(project.clone(), alias.function), Object::alias(project, text)));
    }
    let function = FunctionRef::new(project.clone(), name?);
    let object = Object::function(&function);
    Ok((function, object))
}
