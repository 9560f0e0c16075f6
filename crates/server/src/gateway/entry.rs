//! Who may call a function at its address, and aliases that lead to one.

use http::request::Parts;
use tidemill_core::{
    FunctionRef, ProjectName,
    access::{Level, Object},
};
use tidemill_engine::{HttpRoute, Target};

use super::{Place, host, not_found};
use crate::{
    api::{
        authorize::{by_nonce, unauthenticated},
        scope::require,
    },
    auth,
    nonce::{self, Credential},
    refusal::Refusal,
    shared::Shared,
};

/// The user who calls, on a server that asks: it needs EXECUTE on the function, or a nonce of it or of the alias that names it.
/// What let it in is taken out of the request.
pub(super) async fn caller(
    app: &Shared,
    target: &Target,
    alias: Option<&str>,
    parts: &mut Parts,
) -> Result<String, Refusal> {
    let function = target.function();
    let object = Object::function(function);
    let credential = nonce::credential(&app.auth, parts);
    auth::strip(parts);
    let caller = match credential {
        Credential::Token(caller) => {
            require(app, &caller.principal, &object, Level::Execute).await?;
            caller
        }
        Credential::Nonce(nonce) => {
            let named = alias.map_or(object, |alias| Object::alias(&function.project, alias));
            by_nonce(app, &nonce, &named, function, Level::Execute).await?
        }
        Credential::None(Some(error)) => return Err(unauthenticated(&format!("the token: {error}"))),
        Credential::None(None) => return Err(unauthenticated("the request carries neither a token nor a nonce")),
    };
    Ok(caller.principal.user)
}

/// Where a request leads that leads nowhere by itself: `/f/{alias}/…` to the function that the alias names.
pub(super) async fn follow_alias(app: &Shared, parts: &Parts, place: Place) -> Place {
    if !matches!(place, Place::Nowhere) {
        return place;
    }
    match by_alias(app, parts).await {
        Ok(Some(place)) => place,
        Ok(None) => Place::Answered(not_found(parts.uri.path()).respond()),
        Err(refusal) => Place::Answered(refusal.public().respond()),
    }
}

async fn by_alias(app: &Shared, parts: &Parts) -> Result<Option<Place>, Refusal> {
    let Some(rest) = parts.uri.path().strip_prefix("/f/") else { return Ok(None) };
    let (named, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (project, name) = match named.split_once(':') {
        Some((project, name)) => (project.parse().ok(), name),
        None => (Some(ProjectName::default()), named),
    };
    let Some(project) = project else { return Ok(None) };
    let Some(alias) = app.engine.directory().alias(&project, name).await? else { return Ok(None) };
    let path = format!("/f/{}{below}", FunctionRef::new(project, alias.function));
    match app.engine.route(host(parts), parts.method.as_str(), &path) {
        HttpRoute::Found { target, path } => Ok(Some(Place::Function { target, path, alias: Some(alias.name) })),
        HttpRoute::MethodNotAllowed { allow } => Ok(Some(Place::Answered(super::not_allowed(parts, &allow)))),
        HttpRoute::NoAddress(function) => Ok(Some(Place::Answered(super::no_address(&function)))),
        HttpRoute::NotFound => Ok(None),
    }
}
