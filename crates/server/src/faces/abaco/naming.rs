//! What the names in a path mean: actors by id or alias, aliases, configs.

use tidemill_core::{
    ProjectName,
    access::{Object, ObjectKind, Principal},
    ports::StoreError,
};
use tidemill_engine::{Engine, directory::DirectoryError};

use super::{
    actor,
    authorize::Held,
    envelope::Fault,
    exchange::Named,
    ids,
    record::{self, ActorRecord},
    routes::Place,
};

/// The actor that an id or an alias names.
pub(crate) async fn find(
    engine: &Engine,
    project: &ProjectName,
    name: &str,
) -> Result<Option<ActorRecord>, DirectoryError> {
    if ids::is_id(name) {
        return Ok(actor::find(engine, project, name).await?.map(|stored| stored.record));
    }
    let Some(alias) = engine.directory().alias(project, name).await? else { return Ok(None) };
    Ok(actor::find(engine, project, alias.function.as_str()).await?.map(|stored| stored.record))
}

/// What the path names. What it names must be there.
pub(crate) async fn named(
    engine: &Engine,
    principal: &Principal,
    place: &Place,
    is_delete: bool,
) -> Result<Named, Fault> {
    let project = &principal.project;
    let mut named = Named::default();
    if let Some(name) = place.param("actor") {
        named.actor = Some(find(engine, project, name).await?.ok_or_else(|| no_actor(principal, name))?);
    }
    if let Some(name) = place.param("alias") {
        let alias = engine.directory().alias(project, name).await?.ok_or_else(|| no_alias(principal, name))?;
        let of = actor::find(engine, project, alias.function.as_str()).await?;
        named.actor = of.map(|stored| stored.record);
        named.alias = Some(alias);
    }
    if let Some(name) = place.param("config") {
        let with = if is_delete { " with name" } else { "" };
        let missing = || Fault::missing(format!("No config found{with}: {name}."));
        named.config = Some(engine.directory().config(project, name).await?.ok_or_else(missing)?);
    }
    Ok(named)
}

fn no_actor(principal: &Principal, name: &str) -> Fault {
    if !ids::is_id(name) {
        return Fault::missing(format!("Actor with identifier '{name}' not found"));
    }
    if principal.is_admin() {
        return Fault::missing(format!("No actor found with identifier: {name}."));
    }
    Fault::bad(format!("Actor {}_{name} does not exist", principal.project))
}

fn no_alias(principal: &Principal, name: &str) -> Fault {
    if principal.is_admin() {
        return Fault::missing(format!("No alias found: {name}."));
    }
    Fault::missing(format!("Actor with identifier '{name}' not found"))
}

/// The grants on what a path names.
pub(crate) async fn held(engine: &Engine, project: &ProjectName, named: &Named) -> Result<Held, StoreError> {
    let directory = engine.directory();
    let grants = async |object: Option<Object>| match object {
        None => Ok(None),
        Some(object) => match directory.grants(&object).await {
            Ok(grants) => Ok(Some(grants)),
            Err(DirectoryError::Store(error)) => Err(error),
            Err(error) => Err(StoreError::Failed(error.to_string())),
        },
    };
    let object = |kind, name: &str| Object { kind, project: project.clone(), name: name.to_owned() };
    Ok(Held {
        actor: grants(named.actor.as_ref().map(|actor| record::object(project, &actor.id))).await?,
        alias: grants(named.alias.as_ref().map(|alias| object(ObjectKind::Alias, &alias.name))).await?,
        config: grants(named.config.as_ref().map(|config| object(ObjectKind::Config, &config.name))).await?,
    })
}
