//! Documents of the registry, typed.

use std::collections::BTreeSet;

use serde::{Serialize, de::DeserializeOwned};
use tidemill_core::{
    ProjectName,
    access::Object,
    ports::{Entry, EntryChange, EntryId, EntryKind, Expected, StoreError},
};

use super::{Directory, DirectoryError};

/// How often a change is tried again when others were quicker. Each of them got something done, so many tries mean as many
/// others.
pub(super) const TRIES_MAX: u32 = 200;

/// Names a document.
pub(super) fn id(kind: EntryKind, project: &ProjectName, name: &str) -> EntryId {
    EntryId { kind, project: project.clone(), name: name.to_owned() }
}

/// Names the document with the grants of an object.
pub(super) fn grants_id(object: &Object) -> EntryId {
    id(EntryKind::Grants, &object.project, &format!("{}/{}", object.kind.as_str(), object.name))
}

/// The change that writes `value`.
pub(super) fn write<T: Serialize>(id: EntryId, value: &T, expected: Expected) -> Result<EntryChange, StoreError> {
    let value = serde_json::to_value(value).map_err(|error| StoreError::Failed(error.to_string()))?;
    Ok(EntryChange { id, value: Some(value), expected })
}

/// The change that deletes a document, whatever it is now.
pub(super) fn delete(id: EntryId) -> EntryChange {
    EntryChange { id, value: None, expected: Expected::Any }
}

/// What a document says.
pub(super) fn read<T: DeserializeOwned>(entry: &Entry) -> Result<T, StoreError> {
    T::deserialize(&entry.value)
        .map_err(|error| StoreError::Failed(format!("the {} {:?}: {error}", entry.id.kind.as_str(), entry.id.name)))
}

impl Directory {
    /// One document and its version.
    pub(super) async fn find<T: DeserializeOwned>(&self, id: &EntryId) -> Result<Option<(T, u64)>, StoreError> {
        let Some(entry) = self.registry.entry(id).await? else { return Ok(None) };
        Ok(Some((read(&entry)?, entry.version)))
    }

    /// All documents of a kind in a project, with their versions.
    pub(super) async fn find_all<T: DeserializeOwned>(
        &self,
        kind: EntryKind,
        project: &ProjectName,
    ) -> Result<Vec<(EntryId, T, u64)>, StoreError> {
        let entries = self.registry.entries(kind, Some(project)).await?;
        entries.into_iter().map(|entry| Ok((entry.id.clone(), read(&entry)?, entry.version))).collect()
    }

    /// Makes changes. What was read before them is forgotten, also when it is not known what became of them.
    pub(super) async fn change(&self, changes: Vec<EntryChange>) -> Result<(), StoreError> {
        // Nothing that is kept depends on nonces.
        let matter = changes.iter().filter(|change| change.id.kind != EntryKind::Nonce);
        let projects: BTreeSet<ProjectName> = matter.map(|change| change.id.project.clone()).collect();
        let _forgetting = (!projects.is_empty()).then(|| self.cache.forgetting(projects));
        self.registry.change(changes).await
    }

    /// Makes changes that something may stand in the way of; `false` says that an expectation did not hold.
    pub(super) async fn try_change(&self, changes: Vec<EntryChange>) -> Result<bool, StoreError> {
        match self.change(changes).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes a document that must be there, and others with it.
    pub(super) async fn remove(&self, id: EntryId, others: Vec<EntryChange>) -> Result<(), DirectoryError> {
        for _ in 0..TRIES_MAX {
            let Some(entry) = self.registry.entry(&id).await? else { return Err(DirectoryError::NotFound) };
            let first = EntryChange { id: id.clone(), value: None, expected: Expected::Version(entry.version) };
            let mut changes = vec![first];
            changes.extend(others.iter().cloned());
            if self.try_change(changes).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Conflict)
    }
}
