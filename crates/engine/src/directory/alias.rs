//! Aliases: further names of functions.

use serde::{Deserialize, Serialize};
use tidemill_core::{
    FunctionName, ProjectName, Timestamp,
    access::{Grants, Level, Object},
    ports::{EntryKind, Expected},
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
}

/// An alias as it is stored.
#[derive(Serialize, Deserialize)]
struct Record {
    function: FunctionName,
    owner: String,
    created_at: Timestamp,
}

impl Record {
    fn named(self, name: &str) -> Alias {
        Alias { name: name.to_owned(), function: self.function, owner: self.owner, created_at: self.created_at }
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
    /// [`DirectoryError::Exists`] when there is one of that name.
    pub async fn create_alias(
        &self,
        project: &ProjectName,
        name: &str,
        function: FunctionName,
        owner: &str,
    ) -> Result<Alias, DirectoryError> {
        let record = Record { function, owner: owner.to_owned(), created_at: self.clock.now() };
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
        let id = id(EntryKind::Alias, project, name);
        for _ in 0..TRIES_MAX {
            let Some((record, version)) = self.find::<Record>(&id).await? else {
                return Err(DirectoryError::NotFound);
            };
            let record = Record { function: function.clone(), ..record };
            if self.try_change(vec![write(id.clone(), &record, Expected::Version(version))?]).await? {
                return Ok(record.named(name));
            }
        }
        Err(DirectoryError::Conflict)
    }

    /// Deletes an alias with its grants and nonces.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is no such alias.
    pub async fn delete_alias(&self, project: &ProjectName, name: &str) -> Result<(), DirectoryError> {
        let object = Object::alias(project, name);
        let mut others = vec![delete(grants_id(&object))];
        others.extend(self.nonce_deletions(&object).await?);
        self.remove(id(EntryKind::Alias, project, name), others).await?;
        Ok(())
    }
}
