//! What becomes of that which belonged to an object, or named it, when the object goes.
//!
//! - Its nonces and its grants go with it.
//! - Its name is taken out of the configs; aliases of a function are marked: whoever takes the name later gets nothing that
//!   was meant for the former holder.
//!
//! A function goes in two steps, for it is not kept here: [`Directory::part`] before it is deleted, so that nothing it leaves
//! can fall to the next one of its name, and its grants after that, so that whoever may delete it still may when that fails.
//! Should the second step fail, the grants that remain are harmless: whoever deploys a function of that name [owns](Directory::own)
//! it, whatever grants there were.

use tidemill_core::{
    access::{Grants, Level, Object, ObjectKind},
    ports::{EntryChange, Expected, StoreError},
};

use super::{
    Directory, DirectoryError, Naming,
    entries::{TRIES_MAX, delete, grants_id, write},
};

impl Directory {
    /// The changes that go with the end of an object, but for its grants.
    pub(super) async fn leaving(
        &self,
        _naming: &Naming<'_>,
        object: &Object,
    ) -> Result<Vec<EntryChange>, DirectoryError> {
        let (project, name) = (&object.project, object.name.as_str());
        let mut changes = self.nonce_deletions(object).await?;
        match object.kind {
            ObjectKind::Function => {
                changes.extend(self.unpointing(project, name).await?);
                changes.extend(self.untargeting(project, name).await?);
            }
            // Where there is a function of that name, the configs mean that.
            ObjectKind::Alias if !self.is_function(project, name) => {
                changes.extend(self.untargeting(project, name).await?);
            }
            ObjectKind::Alias | ObjectKind::Config => {}
        }
        Ok(changes)
    }

    async fn leave(
        &self,
        naming: &Naming<'_>,
        object: &Object,
        last: Option<EntryChange>,
    ) -> Result<(), DirectoryError> {
        for _ in 0..TRIES_MAX {
            let mut changes = self.leaving(naming, object).await?;
            changes.extend(last.clone());
            if changes.is_empty() || self.try_change(changes).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Conflict)
    }

    /// An object is about to go: all that belongs to it goes, but its grants.
    pub(crate) async fn part(&self, naming: &Naming<'_>, object: &Object) -> Result<(), DirectoryError> {
        self.leave(naming, object, None).await
    }

    /// Forgets the grants of an object that is gone.
    pub(crate) async fn disown(&self, object: &Object) -> Result<(), StoreError> {
        self.change(vec![delete(grants_id(object))]).await
    }

    /// Forgets the grants and all else of an object that is gone.
    pub async fn forget(&self, object: &Object) -> Result<(), DirectoryError> {
        let naming = self.naming().await;
        self.leave(&naming, object, Some(delete(grants_id(object)))).await
    }

    /// Makes `user` the only one who may do anything with a new object.
    pub(crate) async fn own(&self, naming: &Naming<'_>, object: &Object, user: &str) -> Result<(), DirectoryError> {
        let mut grants = Grants::default();
        grants.set(user, Level::Update);
        self.leave(naming, object, Some(write(grants_id(object), &grants, Expected::Any)?)).await
    }
}
