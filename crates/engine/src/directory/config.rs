//! Configs: named values handed to functions, perhaps secret.
//!
//! A config names the functions that it is for. It reaches those which whoever wrote it last may change: a value in
//! somebody's environment is a change of what runs there. So a config for a function of others is stored, but not handed over
//! until its writer may update the function. When a function or an alias goes, its name is taken out of the configs: whoever
//! takes the name later gets none of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tidemill_core::{
    FunctionRef, ProjectName, Timestamp,
    access::{Grants, Level, Object},
    ports::{EntryChange, EntryId, EntryKind, Expected, StoreError, VaultError},
};

use super::{
    Directory, DirectoryError,
    entries::{TRIES_MAX, delete, grants_id, id, write},
};

/// A named value for functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its name, unique within the project; any text.
    pub name: String,
    /// The value, or the sealed text of a secret one.
    pub value: String,
    /// Whether the value is secret.
    pub is_secret: bool,
    /// The functions it is for: names or aliases with commas between them, as they were given.
    pub targets: String,
    /// Who made it.
    pub creator: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was written last.
    pub updated_at: Timestamp,
}

/// A config to be written.
#[derive(Clone)]
pub struct NewConfig {
    /// Its name.
    pub name: String,
    /// The plain value.
    pub value: String,
    /// Whether the value is secret.
    pub is_secret: bool,
    /// The functions it is for: names or aliases with commas between them.
    pub targets: String,
    /// Who writes it.
    pub creator: String,
    /// Whether whoever writes it may change every function of the project.
    pub creator_is_admin: bool,
}

/// A config as it is stored.
#[derive(Serialize, Deserialize)]
struct Record {
    value: String,
    is_secret: bool,
    targets: String,
    creator: String,
    /// Who wrote it last: the one whose rights count.
    writer: String,
    writer_is_admin: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Record {
    fn named(self, name: &str) -> Config {
        Config {
            name: name.to_owned(),
            value: self.value,
            is_secret: self.is_secret,
            targets: self.targets,
            creator: self.creator,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// The same without `name` among those it is for; `None` when it was not.
    fn without(self, name: &str) -> Option<Record> {
        let targets: Vec<&str> = self.targets.split(',').filter(|target| target.trim() != name).collect();
        let targets = targets.join(",");
        (targets.len() < self.targets.len()).then_some(Record { targets, ..self })
    }

    fn is_for(&self, names: &BTreeSet<&str>) -> bool {
        self.targets.split(',').any(|target| names.contains(target.trim()))
    }

    fn reaches(&self, grants: &Grants) -> bool {
        self.writer_is_admin || grants.level_of(&self.writer) >= Level::Update
    }
}

/// The place for which a secret value is sealed.
fn about(project: &ProjectName, name: &str) -> String {
    format!("{project}/config/{name}")
}

impl Directory {
    fn record(&self, project: &ProjectName, new: &NewConfig) -> Result<Record, VaultError> {
        let now = self.clock.now();
        let value = match new.is_secret {
            true => self.vault.seal(new.value.as_bytes(), &about(project, &new.name))?,
            false => new.value.clone(),
        };
        Ok(Record {
            value,
            is_secret: new.is_secret,
            targets: new.targets.clone(),
            creator: new.creator.clone(),
            writer: new.creator.clone(),
            writer_is_admin: new.creator_is_admin,
            created_at: now,
            updated_at: now,
        })
    }

    /// Makes a config, on which its creator may do everything.
    ///
    /// # Errors
    /// [`DirectoryError::Exists`] when there is one of that name; [`DirectoryError::Vault`] when a secret cannot be sealed.
    pub async fn create_config(&self, project: &ProjectName, new: NewConfig) -> Result<Config, DirectoryError> {
        let record = self.record(project, &new)?;
        let mut grants = Grants::default();
        grants.set(new.creator.as_str(), Level::Update);
        let changes = vec![
            write(id(EntryKind::Config, project, &new.name), &record, Expected::Absent)?,
            write(grants_id(&Object::config(project, &new.name)), &grants, Expected::Any)?,
        ];
        if !self.try_change(changes).await? {
            return Err(DirectoryError::Exists);
        }
        Ok(record.named(&new.name))
    }

    /// Writes a config anew. Its creator and grants stay; from now on the rights of whoever writes it count.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is none of that name; [`DirectoryError::Vault`] when a secret cannot be sealed.
    pub async fn put_config(&self, project: &ProjectName, new: NewConfig) -> Result<Config, DirectoryError> {
        let id = id(EntryKind::Config, project, &new.name);
        for _ in 0..TRIES_MAX {
            let Some((former, version)) = self.find::<Record>(&id).await? else {
                return Err(DirectoryError::NotFound);
            };
            let record =
                Record { creator: former.creator, created_at: former.created_at, ..self.record(project, &new)? };
            if self.try_change(vec![write(id.clone(), &record, Expected::Version(version))?]).await? {
                return Ok(record.named(&new.name));
            }
        }
        Err(DirectoryError::Conflict)
    }

    /// The config of that name.
    pub async fn config(&self, project: &ProjectName, name: &str) -> Result<Option<Config>, DirectoryError> {
        let found = self.find::<Record>(&id(EntryKind::Config, project, name)).await?;
        Ok(found.map(|(record, _)| record.named(name)))
    }

    /// All configs of a project, by name.
    pub async fn configs(&self, project: &ProjectName) -> Result<Vec<Config>, DirectoryError> {
        let records = self.records(project).await?;
        Ok(records.into_iter().map(|(id, record)| record.named(&id.name)).collect())
    }

    /// Deletes a config with its grants.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is no such config.
    pub async fn delete_config(&self, project: &ProjectName, name: &str) -> Result<(), DirectoryError> {
        let grants = delete(grants_id(&Object::config(project, name)));
        self.remove(id(EntryKind::Config, project, name), vec![grants]).await?;
        Ok(())
    }

    /// The configs that reach a function, decrypted: name and value. See the module for which they are.
    ///
    /// # Errors
    /// [`DirectoryError::Vault`] when one of them cannot be opened.
    pub async fn configs_for(&self, function: &FunctionRef) -> Result<Arc<BTreeMap<String, String>>, DirectoryError> {
        let epoch = match self.cache.get(function) {
            Ok(values) => return Ok(values),
            Err(epoch) => epoch,
        };
        let values = self.load(function).await?;
        Ok(self.cache.keep(function, epoch, values))
    }

    async fn load(&self, function: &FunctionRef) -> Result<BTreeMap<String, String>, DirectoryError> {
        let project = &function.project;
        let records = self.records(project).await?;
        if records.is_empty() {
            return Ok(BTreeMap::new());
        }
        let aliases = self.aliases(project).await?;
        let of_function = aliases.iter().filter(|alias| alias.function == function.name && !alias.dangles);
        let meant = of_function.filter(|alias| !self.is_function(project, &alias.name));
        let mut names: BTreeSet<&str> = meant.map(|alias| alias.name.as_str()).collect();
        names.insert(function.name.as_str());
        let grants = self.grants(&Object::function(function)).await?;
        let reaching = records.into_iter().filter(|(_, record)| record.is_for(&names) && record.reaches(&grants));
        reaching.map(|(id, record)| self.plain(&id, record)).collect()
    }

    fn plain(&self, id: &EntryId, record: Record) -> Result<(String, String), DirectoryError> {
        if !record.is_secret {
            return Ok((id.name.clone(), record.value));
        }
        let plain = self.vault.open(&record.value, &about(&id.project, &id.name))?;
        let plain = String::from_utf8(plain).map_err(|_| VaultError::Refused)?;
        Ok((id.name.clone(), plain))
    }

    async fn records(&self, project: &ProjectName) -> Result<Vec<(EntryId, Record)>, DirectoryError> {
        let found = self.find_all(EntryKind::Config, project).await?;
        Ok(found.into_iter().map(|(id, record, _)| (id, record)).collect())
    }

    /// The changes that take a name out of the configs.
    pub(super) async fn untargeting(&self, project: &ProjectName, name: &str) -> Result<Vec<EntryChange>, StoreError> {
        let found = self.find_all::<Record>(EntryKind::Config, project).await?;
        let without = found.into_iter().filter_map(|(id, record, version)| Some((id, record.without(name)?, version)));
        without.map(|(id, record, version)| write(id, &record, Expected::Version(version))).collect()
    }
}
