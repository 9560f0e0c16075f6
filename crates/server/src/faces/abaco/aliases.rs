//! `/actors/aliases`: further names of actors.

use serde_json::{Map, Value};
use tidemill_core::{
    FunctionName,
    access::{Grants, Level, ObjectKind},
};
use tidemill_engine::directory::{Alias, DirectoryError};

use super::{
    actor,
    envelope::{Answer, Fault},
    exchange::Exchange,
    ids, record,
    words::check_alias,
};

fn document(x: &Exchange, alias: &Alias) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("alias".to_owned(), alias.name.as_str().into());
    document.insert("actor_id".to_owned(), alias.function.as_str().into());
    document.insert("owner".to_owned(), alias.owner.as_str().into());
    document.insert("_links".to_owned(), x.links.alias(&alias.name, &alias.function, &alias.owner));
    document
}

fn required(x: &Exchange, name: &str) -> Result<String, Fault> {
    let found = x.fields.required(name).map(|text| text.into_owned());
    found.map_err(|error| Fault::bad(format!("Invalid alias description. Missing required field: {error}")))
}

/// `GET` of the collection: the aliases that somebody may read.
pub(crate) async fn list(x: &Exchange) -> Answer {
    let directory = x.engine().directory();
    let grants = directory.all_grants(x.project(), ObjectKind::Alias).await?;
    let none = Grants::default();
    let aliases = directory.aliases(x.project()).await?;
    let may = |alias: &&Alias| x.principal.may(grants.get(&alias.name).unwrap_or(&none), Level::Read);
    let documents: Vec<_> = aliases.iter().filter(may).map(|alias| document(x, alias)).collect();
    Ok(x.show_all("Aliases retrieved successfully.", documents))
}

/// `POST`.
pub(crate) async fn create(x: &Exchange) -> Answer {
    let alias = required(x, "alias")?;
    let actor_id = required(x, "actor_id")?;
    check_alias(&alias).map_err(Fault::bad)?;
    let refusal = || Fault::bad(format!("Not authorized -- you do not have access to {actor_id}."));
    let actor = target(x, &actor_id, refusal).await?;
    match x.engine().directory().create_alias(x.project(), &alias, actor, &x.principal.user).await {
        Ok(alias) => Ok(x.show("Actor alias created successfully.", document(x, &alias))),
        Err(DirectoryError::Exists) => Err(Fault::bad(format!("Alias {alias} already exists."))),
        Err(error) => Err(error.into()),
    }
}

/// The actor that an alias is to name: by id only, and somebody must be able to change it.
async fn target(x: &Exchange, id: &str, refusal: impl Fn() -> Fault) -> Result<FunctionName, Fault> {
    let found = match ids::is_id(id) {
        true => actor::find(x.engine(), x.project(), id).await?,
        false => None,
    };
    let Some(found) = found else { return Err(Fault::missing(format!("No actor found with id: {id}."))) };
    let id = found.record.id;
    let grants = x.engine().directory().grants(&record::object(x.project(), &id)).await?;
    if !x.principal.may(&grants, Level::Update) {
        return Err(refusal());
    }
    Ok(id)
}

fn named(x: &Exchange) -> Result<&Alias, Fault> {
    x.named.alias.as_ref().ok_or_else(|| Fault::missing(format!("No alias found: {}.", x.param("alias"))))
}

/// `GET` of one.
pub(crate) async fn show(x: &Exchange) -> Answer {
    Ok(x.show("Actor alias retrieved successfully.", document(x, named(x)?)))
}

/// `PUT`: lets it name another actor.
pub(crate) async fn put(x: &Exchange) -> Answer {
    let alias = named(x)?;
    if x.fields.has("alias") {
        return Err(Fault::bad(
            "Invalid alias update description. The alias itself cannot be updated in a PUT request.",
        ));
    }
    let actor_id = required(x, "actor_id")?;
    let refusal = || {
        Fault::bad(
            "Not authorized -- you do not have UPDATE access to the actor you want to associate with this alias.",
        )
    };
    let actor = target(x, &actor_id, refusal).await?;
    let alias = x.engine().directory().point_alias(x.project(), &alias.name, actor).await?;
    Ok(x.show("Actor alias updated successfully.", document(x, &alias)))
}

/// `DELETE`.
pub(crate) async fn delete(x: &Exchange) -> Answer {
    let alias = named(x)?;
    x.engine().directory().delete_alias(x.project(), &alias.name).await?;
    Ok(x.answer(&format!("Alias {} deleted successfully.", alias.name), Value::Null))
}
