//! Aliases: further names of functions.

use serde::{Deserialize, Serialize};
use tidemill_core::{
    FunctionName, ProjectName, Timestamp,
    access::{Grants, Level, Object},
    ports::{EntryChange, EntryKind, Expected, StoreError},
};

use super::{
    Directory, DirectoryError,
    entries::{TRIES_MAX, delete, grants_id, id, read, write},
};

/// A further name of a function, unique within the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name; any text.
    pub name: String,
    /// The function, which may be gone by now.
    pub function: FunctionName,
    /// Who made it.
    pub owner: String,
    /// When.
    pub created_at: Timestamp,
    /// Whether the function that it was made for is gone. It means the next one of that name, but no config reaches that
    /// through it, until it is pointed there anew.
    pub dangles: bool,
}

/// An alias as it is stored.
#[derive(Serialize, Deserialize)]
struct Record {
    function: FunctionName,
    owner: String,
    created_at: Timestamp,
    #[serde(default)]
    dangles: bool,
}

impl Record {
    fn named(self, name: &str) -> Alias {
        let Record { function, owner, created_at, dangles } = self;
        Alias { name: name.to_owned(), function, owner, created_at, dangles }
    }
}

impl Directory {
    /// The alias of that name.
    pub async fn alias(&self, project: &ProjectName, name: &str) -> Result<Option<Alias>, DirectoryError> {
        let found = self.find::<Record>(&id(EntryKind::Alias, project, name)).await?;
        Ok(found.map(|(record, _)| record.named(name)))
    }

    /// All aliases of a project, by name.
    pub async fn aliases(&self, project: &ProjectName) -> Result<Vec<Alias>, DirectoryError> {
        let entries = self.registry.entries(EntryKind::Alias, Some(project)).await?;
        entries.iter().map(|entry| Ok(read::<Record>(entry)?.named(&entry.id.name))).collect()
    }

    /// Makes an alias, on which its owner may do everything.
    ///
    /// # Errors
    /// [`DirectoryError::Exists`] when there is one of that name, or a function.
    pub async fn create_alias(
        &self,
        project: &ProjectName,
        name: &str,
        function: FunctionName,
        owner: &str,
    ) -> Result<Alias, DirectoryError> {
        let _naming = self.naming().await;
        if self.is_function(project, name) {
            return Err(DirectoryError::Exists);
        }
        let dangles = !self.is_function(project, function.as_str());
        let record = Record { function, owner: owner.to_owned(), created_at: self.clock.now(), dangles };
        let mut grants = Grants::default();
        grants.set(owner, Level::Update);
        let changes = vec![
            write(id(EntryKind::Alias, project, name), &record, Expected::Absent)?,
            write(grants_id(&Object::alias(project, name)), &grants, Expected::Any)?,
        ];
        if !self.try_change(changes).await? {
            return Err(DirectoryError::Exists);
        }
        Ok(record.named(name))
    }

    /// Lets an alias name another function.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is no such alias.
    pub async fn point_alias(
        &self,
        project: &ProjectName,
        name: &str,
        function: FunctionName,
    ) -> Result<Alias, DirectoryError> {
        let _naming = self.naming().await;
        let dangles = !self.is_function(project, function.as_str());
        let id = id(EntryKind::Alias, project, name);
        for _ in 0..TRIES_MAX {
            let Some((record, version)) = self.find::<Record>(&id).await? else {
                return Err(DirectoryError::NotFound);
            };
            let record = Record { function: function.clone(), dangles, ..record };
            if self.try_change(vec![write(id.clone(), &record, Expected::Version(version))?]).await? {
                return Ok(record.named(name));
            }
        }
        Err(DirectoryError::Conflict)
    }

    /// Deletes an alias with its grants and nonces, and takes its name out of the configs.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is no such alias.
    pub async fn delete_alias(&self, project: &ProjectName, name: &str) -> Result<(), DirectoryError> {
        let naming = self.naming().await;
        let (id, object) = (id(EntryKind::Alias, project, name), Object::alias(project, name));
        for _ in 0..TRIES_MAX {
            let Some(entry) = self.registry.entry(&id).await? else { return Err(DirectoryError::NotFound) };
            let mut changes = self.leaving(&naming, &object).await?;
            changes.push(delete(grants_id(&object)));
            changes.push(EntryChange { id: id.clone(), value: None, expected: Expected::Version(entry.version) });
            if self.try_change(changes).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Conflict)
    }

    /// The changes that mark the aliases of a function that goes.
    pub(super) async fn unpointing(&self, project: &ProjectName, name: &str) -> Result<Vec<EntryChange>, StoreError> {
        let found = self.find_all::<Record>(EntryKind::Alias, project).await?;
        let pointing = found.into_iter().filter(|(_, record, _)| record.function.as_str() == name && !record.dangles);
        let mark = |(id, record, version)| {
            let record = Record { dangles: true, ..record };
            write(id, &record, Expected::Version(version))
        };
        pointing.map(mark).collect()
    }
}
