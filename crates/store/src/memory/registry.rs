//! The registry's entries.

use async_trait::async_trait;
use tidemill_core::{
    name::ProjectName,
    ports::{Entry, EntryChange, EntryId, EntryKind, Registry, StoreError},
};

use super::{state::State, store::MemoryStore};
use crate::rules;

impl State {
    fn change(&mut self, changes: Vec<EntryChange>) -> Result<(), StoreError> {
        for change in &changes {
            rules::check_entry(change, self.entries.get(&change.id).map(|entry| entry.version))?;
        }
        for EntryChange { id, value, .. } in changes {
            let former = self.entries.remove(&id).map(|former| former.version);
            match value {
                Some(value) => {
                    let version = self.entry_floor.next(former);
                    self.entries.insert(id.clone(), Entry { id, version, value });
                }
                None => self.entry_floor.rise(former.unwrap_or(0)),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Registry for MemoryStore {
    async fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        self.run("entry", |state, _| Ok(state.entries.get(id).cloned()))
    }

    async fn entries(&self, kind: EntryKind, project: Option<&ProjectName>) -> Result<Vec<Entry>, StoreError> {
        let wanted = |id: &EntryId| id.kind == kind && project.is_none_or(|project| id.project == *project);
        self.run("entries", |state, _| Ok(state.entries.values().filter(|entry| wanted(&entry.id)).cloned().collect()))
    }

    async fn entries_in(&self, kind: EntryKind, project: &ProjectName, folder: &str) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.entries(kind, Some(project)).await?;
        entries.retain(|entry| entry.id.name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
        Ok(entries)
    }

    async fn change(&self, changes: Vec<EntryChange>) -> Result<(), StoreError> {
        self.run("change", |state, _| state.change(changes))
    }
}
