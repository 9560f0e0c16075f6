//! Nonces of an actor or an alias: what stands in for a token.
//!
//! As in Abaco, whoever may read an actor sees its nonces. Their ids are left out where they would open more than the reader's
//! own rights do; see [`crate::nonce`].

use serde_json::{Map, Value, json};
use tidemill_core::access::{Level, ObjectKind, Role};
use tidemill_engine::directory::{DirectoryError, NewNonce, Nonce};

use super::{
    envelope::{Answer, Fault},
    exchange::Exchange,
    times,
};
use crate::nonce::{self, Reader};

const MAX_USES: &str = "The max uses parameter must be a positive integer or -1 (to denote unlimited uses).";

/// The word that messages begin with.
fn subject(x: &Exchange) -> &'static str {
    if x.named.alias.is_some() { "Alias" } else { "Actor" }
}

/// `GET` of the collection.
pub(crate) async fn list(x: &Exchange) -> Answer {
    let nonces = x.engine().directory().nonces(&x.object()?).await?;
    let documents = nonces.iter().map(|nonce| document(x, nonce, &seen(x, nonce))).collect::<Result<Vec<_>, _>>()?;
    Ok(x.show_all(&format!("{} nonces retrieved successfully.", subject(x)), documents))
}

/// `POST`.
pub(crate) async fn create(x: &Exchange) -> Answer {
    let object = x.object()?;
    let is_alias = object.kind == ObjectKind::Alias;
    let invalid = |error| Fault::bad(format!("Invalid nonce description: {error}"));
    let uses_max = match x.fields.integer("max_uses").map_err(invalid)?.unwrap_or(-1) {
        -1 => None,
        uses => Some(u64::try_from(uses).ok().filter(|uses| *uses > 0).ok_or_else(|| Fault::bad(MAX_USES))?),
    };
    let nonce = NewNonce {
        object,
        owner: x.principal.user.clone(),
        roles: x.principal.roles.clone(),
        level: level(x, is_alias)?,
        uses_max,
        description: x.fields.text("description").map(|text| text.into_owned()).unwrap_or_default(),
    };
    let nonce = x.engine().directory().create_nonce(nonce).await?;
    Ok(x.show(&format!("{} nonce created successfully.", subject(x)), document(x, &nonce, &nonce.id)?))
}

/// The id as the caller gets to see it.
fn seen(x: &Exchange, nonce: &Nonce) -> String {
    let grants: Vec<_> = [&x.held.actor, &x.held.alias].into_iter().flatten().collect();
    nonce::shown(nonce, &Reader::new(&x.principal, &grants, x.is_bearer))
}

/// A nonce of an alias never changes the alias, so it has no level for that.
fn level(x: &Exchange, is_alias: bool) -> Result<Level, Fault> {
    let Some(text) = x.fields.text("level").filter(|text| !text.is_empty()) else { return Ok(Level::Execute) };
    let may_be = |level: &Level| !(is_alias && *level == Level::Update);
    text.to_uppercase().parse::<Level>().ok().filter(may_be).ok_or_else(|| {
        let levels: Vec<_> = Level::ALL.into_iter().filter(may_be).map(|level| format!("'{level}'")).collect();
        Fault::bad(format!("Invalid nonce description. The level attribute must be one of: ({})", levels.join(", ")))
    })
}

async fn find(x: &Exchange) -> Result<Nonce, Fault> {
    let object = x.object()?;
    let nonce = x.engine().directory().nonce(&object, x.param("nonce")).await?;
    nonce.ok_or_else(|| Fault::bad("Nonce not found."))
}

/// `GET` of one.
pub(crate) async fn show(x: &Exchange) -> Answer {
    let nonce = find(x).await?;
    Ok(x.show(&format!("{} nonce retrieved successfully.", subject(x)), document(x, &nonce, &seen(x, &nonce))?))
}

/// `DELETE`.
pub(crate) async fn delete(x: &Exchange) -> Answer {
    let nonce = find(x).await?;
    match x.engine().directory().delete_nonce(&nonce.object, &nonce.id).await {
        Ok(()) => Ok(x.answer(&format!("{} nonce deleted successfully.", subject(x)), Value::Null)),
        Err(DirectoryError::NotFound) => Err(Fault::bad("Nonce not found.")),
        Err(error) => Err(error.into()),
    }
}

fn document(x: &Exchange, nonce: &Nonce, shown_id: &str) -> Result<Map<String, Value>, Fault> {
    let alias = x.named.alias.as_ref();
    let id = match (alias, &x.named.actor) {
        (Some(alias), _) => &alias.function,
        (None, Some(actor)) => &actor.id,
        (None, None) => return Err(Fault::missing("No actor is named here.")),
    };
    let alias = alias.map(|alias| alias.name.as_str());
    let roles: Vec<_> = nonce.roles.iter().map(|role| role_name(*role)).collect();
    let unlimited = || json!(-1);
    let Value::Object(mut document) = json!({
        "id": shown_id,
        "owner": nonce.owner,
        "roles": roles,
        "api_server": x.links.api_server(),
        "level": nonce.level.as_str(),
        "max_uses": nonce.uses_max.map_or_else(unlimited, |max| json!(max)),
        "current_uses": nonce.uses,
        "remaining_uses": nonce.uses_max.map_or_else(unlimited, |max| json!(max.saturating_sub(nonce.uses))),
        "description": nonce.description,
        "create_time": times::iso(nonce.created_at),
        "last_use_time": nonce.last_used_at.map_or_else(|| "None".to_owned(), times::iso),
        "_links": x.links.nonce(alias, id, shown_id, &nonce.owner),
    }) else {
        return Err(Fault::broken(&"a document is an object"));
    };
    match alias {
        Some(alias) => document.insert("alias".to_owned(), alias.into()),
        None => document.insert("actor_id".to_owned(), id.as_str().into()),
    };
    Ok(document)
}

/// A role as Abaco calls it.
fn role_name(role: Role) -> &'static str {
    match role {
        Role::Admin => "Internal/abaco-admin",
        Role::Privileged => "Internal/abaco-privileged",
        Role::User => "Internal/abaco-user",
        Role::Limited => "Internal/abaco-limited",
    }
}
