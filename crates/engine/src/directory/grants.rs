//! Grants: who may do what with an object.

use std::collections::BTreeMap;

use tidemill_core::{
    ProjectName,
    access::{Grants, Level, Object, ObjectKind},
    ports::{EntryKind, Expected},
};

use super::{
    Directory, DirectoryError,
    entries::{TRIES_MAX, grants_id, read, write},
};

impl Directory {
    /// The grants of an object; none when nobody was given any.
    pub async fn grants(&self, object: &Object) -> Result<Grants, DirectoryError> {
        let now = self.clock.now();
        let epoch = match self.cache.grants(object, now) {
            Ok(grants) => return Ok(grants),
            Err(epoch) => epoch,
        };
        let found = self.find::<Grants>(&grants_id(object)).await?;
        let grants = found.map(|(grants, _)| grants).unwrap_or_default();
        self.cache.keep_grants(object, epoch, &grants, now);
        Ok(grants)
    }

    /// The grants of all objects of a kind, by the objects' names.
    pub async fn all_grants(
        &self,
        project: &ProjectName,
        kind: ObjectKind,
    ) -> Result<BTreeMap<String, Grants>, DirectoryError> {
        let entries = self.registry.entries(EntryKind::Grants, Some(project)).await?;
        let prefix = format!("{}/", kind.as_str());
        let of_kind = entries.iter().filter_map(|entry| Some((entry.id.name.strip_prefix(&prefix)?, entry)));
        of_kind.map(|(name, entry)| Ok((name.to_owned(), read(entry)?))).collect()
    }

    /// Sets what `user` may do with an object, and returns all its grants.
    pub async fn grant(&self, object: &Object, user: &str, level: Level) -> Result<Grants, DirectoryError> {
        let id = grants_id(object);
        for _ in 0..TRIES_MAX {
            let found = self.find::<Grants>(&id).await?;
            let expected = found.as_ref().map_or(Expected::Absent, |(_, version)| Expected::Version(*version));
            let mut grants = found.map(|(grants, _)| grants).unwrap_or_default();
            grants.set(user, level);
            if self.try_change(vec![write(id.clone(), &grants, expected)?]).await? {
                return Ok(grants);
            }
        }
        Err(DirectoryError::Conflict)
    }
}
