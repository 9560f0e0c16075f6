//! `/actors/configs`: values handed to actors, perhaps secret.

use serde_json::{Map, Value};
use tidemill_core::access::{Grants, Level, ObjectKind};
use tidemill_engine::directory::{Config, DirectoryError, NewConfig};

use super::{
    actor,
    envelope::{Answer, Fault},
    exchange::Exchange,
    ids,
    words::check_config,
};
use crate::api::VALUE_BYTES_MAX;

fn document(config: &Config) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("name".to_owned(), config.name.as_str().into());
    document.insert("value".to_owned(), config.value.as_str().into());
    document.insert("is_secret".to_owned(), config.is_secret.into());
    document.insert("actors".to_owned(), config.targets.as_str().into());
    document
}

/// `GET` of the collection: the configs that somebody may read.
pub(crate) async fn list(x: &Exchange) -> Answer {
    let directory = x.engine().directory();
    let grants = directory.all_grants(x.project(), ObjectKind::Config).await?;
    let none = Grants::default();
    let configs = directory.configs(x.project()).await?;
    let may = |config: &&Config| x.principal.may(grants.get(&config.name).unwrap_or(&none), Level::Read);
    let documents: Vec<_> = configs.iter().filter(may).map(document).collect();
    Ok(x.show_all("Actor Configs retrieved successfully.", documents))
}

async fn described(x: &Exchange) -> Result<NewConfig, Fault> {
    let missing = |error| Fault::bad(format!("Invalid config description. Missing required field: {error}"));
    let name = x.fields.required("name").map_err(missing)?.into_owned();
    let value = match x.fields.text("value") {
        Some(value) => value.into_owned(),
        None => x.fields.required("value").map_err(missing)?.into_owned(),
    };
    let is_secret = x.fields.boolean("is_secret").map_err(missing)?;
    let is_secret = match is_secret {
        Some(is_secret) => is_secret,
        None => {
            let field = x.case().name("is_secret");
            return Err(Fault::bad(format!("Invalid config description. Missing required field: {field}")));
        }
    };
    let targets = x.fields.required("actors").map_err(missing)?.into_owned();
    if value.len() > VALUE_BYTES_MAX {
        return Err(Fault::bad(format!(
            "Invalid config description. The value has more than {VALUE_BYTES_MAX} bytes."
        )));
    }
    check_targets(x, &targets).await?;
    Ok(NewConfig {
        name,
        value,
        is_secret,
        targets,
        creator: x.principal.user.clone(),
        creator_is_admin: x.principal.is_admin(),
    })
}

/// Each of the targets must be an actor or an alias. Whether its creator may reach them shows when it is applied.
async fn check_targets(x: &Exchange, targets: &str) -> Result<(), Fault> {
    for target in targets.split(',').map(str::trim) {
        let is_known = match ids::is_id(target) {
            true => actor::find(x.engine(), x.project(), target).await?.is_some(),
            false => x.engine().directory().alias(x.project(), target).await?.is_some(),
        };
        if !is_known {
            return Err(Fault::missing(format!("No actor or alias found with id: {target}.")));
        }
    }
    Ok(())
}

/// `POST`.
pub(crate) async fn create(x: &Exchange) -> Answer {
    let config = described(x).await?;
    check_config(&config.name).map_err(Fault::bad)?;
    let name = config.name.clone();
    match x.engine().directory().create_config(x.project(), config).await {
        Ok(config) => Ok(x.show("Actor config created successfully.", document(&config))),
        Err(DirectoryError::Exists) => {
            Err(Fault::bad(format!("Config {name} already exists; please choose another name for your config")))
        }
        Err(error) => Err(error.into()),
    }
}

fn named(x: &Exchange) -> Result<&Config, Fault> {
    x.named.config.as_ref().ok_or_else(|| Fault::missing(format!("No config found: {}.", x.param("config"))))
}

/// `GET` of one.
pub(crate) async fn show(x: &Exchange) -> Answer {
    Ok(x.show("Config retrieved successfully.", document(named(x)?)))
}

/// `PUT`: all of it anew but the name.
pub(crate) async fn put(x: &Exchange) -> Answer {
    let config = described(x).await?;
    if config.name != named(x)?.name {
        return Err(Fault::bad("Invalid config description. The name of a config cannot be changed."));
    }
    let config = x.engine().directory().put_config(x.project(), config).await?;
    Ok(x.show("Actor config updated successfully.", document(&config)))
}

/// `DELETE`.
pub(crate) async fn delete(x: &Exchange) -> Answer {
    let config = named(x)?;
    x.engine().directory().delete_config(x.project(), &config.name).await?;
    Ok(x.answer(&format!("Actor config {} deleted successfully.", config.name), Value::Null))
}
