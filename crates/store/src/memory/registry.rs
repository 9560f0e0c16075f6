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
            let version = self.entries.remove(&id).map_or(0, |former| former.version) + 1;
            if let Some(value) = value {
                self.entries.insert(id.clone(), Entry { id, version, value });
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

    async fn change(&self, changes: Vec<EntryChange>) -> Result<(), StoreError> {
        self.run("change", |state, _| state.change(changes))
    }
}
