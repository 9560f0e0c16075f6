//! Nonces: stand-ins for a token, for one object, up to a level, so and so often.

use serde::{Deserialize, Serialize};
use tidemill_core::{
    ProjectName, Timestamp,
    access::{Level, Object, ObjectKind, Principal, Roles},
    ports::{Entry, EntryChange, EntryId, EntryKind, Expected, StoreError},
};

use super::{
    Directory, DirectoryError, NonceRefusal,
    entries::{TRIES_MAX, delete, id, read, write},
};

/// Characters of the random part of an id: 67 bits of chance.
const RANDOM_CHARS: usize = 13;

/// A stand-in for a token: who shows it acts on one object as its owner did when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce {
    /// Its id, which is what is shown: the project's name, `_`, and 13 random letters and digits.
    pub id: String,
    /// What it is for.
    pub object: Object,
    /// Who made it.
    pub owner: String,
    /// The roles of its owner at that time.
    pub roles: Roles,
    /// The most that it allows.
    pub level: Level,
    /// How often it may be used; `None` is without a limit.
    pub uses_max: Option<u64>,
    /// How often it was used.
    pub uses: u64,
    /// What its owner says about it.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used last.
    pub last_used_at: Option<Timestamp>,
}

/// A nonce to be made.
#[derive(Clone, Debug)]
pub struct NewNonce {
    /// What it is for.
    pub object: Object,
    /// Who makes it.
    pub owner: String,
    /// The roles of whoever makes it.
    pub roles: Roles,
    /// The most that it allows.
    pub level: Level,
    /// How often it may be used; `None` is without a limit.
    pub uses_max: Option<u64>,
    /// What its owner says about it.
    pub description: String,
}

/// A nonce as it is stored.
#[derive(Serialize, Deserialize)]
struct Record {
    kind: String,
    object: String,
    owner: String,
    roles: Roles,
    level: Level,
    uses_max: Option<u64>,
    uses: u64,
    description: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl Record {
    fn is_of(&self, object: &Object) -> bool {
        self.kind == object.kind.as_str() && self.object == object.name
    }

    fn identified(self, id: &EntryId) -> Result<Nonce, StoreError> {
        let kind = ObjectKind::parse(&self.kind)
            .ok_or_else(|| StoreError::Failed(format!("a nonce is of an unknown kind: {:?}", self.kind)))?;
        Ok(Nonce {
            id: id.name.clone(),
            object: Object { kind, project: id.project.clone(), name: self.object },
            owner: self.owner,
            roles: self.roles,
            level: self.level,
            uses_max: self.uses_max,
            uses: self.uses,
            description: self.description,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        })
    }
}

fn nonce(entry: &Entry) -> Result<Nonce, StoreError> {
    read::<Record>(entry)?.identified(&entry.id)
}

/// Letters and digits out of chance.
fn random_part(mut bits: u128) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let letter = |_| {
        let at = (bits % 36) as usize;
        bits /= 36;
        char::from(LETTERS[at])
    };
    (0..RANDOM_CHARS).map(letter).collect()
}

impl Directory {
    /// Makes a nonce.
    pub async fn create_nonce(&self, new: NewNonce) -> Result<Nonce, DirectoryError> {
        let project = new.object.project;
        let record = Record {
            kind: new.object.kind.as_str().to_owned(),
            object: new.object.name,
            owner: new.owner,
            roles: new.roles,
            level: new.level,
            uses_max: new.uses_max,
            uses: 0,
            description: new.description,
            created_at: self.clock.now(),
            last_used_at: None,
        };
        for _ in 0..TRIES_MAX {
            let id = id(EntryKind::Nonce, &project, &format!("{project}_{}", random_part(self.rng.bits())));
            if self.try_change(vec![write(id.clone(), &record, Expected::Absent)?]).await? {
                return Ok(record.identified(&id)?);
            }
        }
        Err(DirectoryError::Conflict)
    }

    /// The nonces of an object, the oldest first.
    pub async fn nonces(&self, object: &Object) -> Result<Vec<Nonce>, DirectoryError> {
        let entries = self.registry.entries(EntryKind::Nonce, Some(&object.project)).await?;
        let all = entries.iter().map(nonce).collect::<Result<Vec<Nonce>, StoreError>>()?;
        let mut of_object: Vec<Nonce> = all.into_iter().filter(|nonce| nonce.object == *object).collect();
        of_object.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(of_object)
    }

    /// The nonce with that id.
    pub async fn nonce(&self, project: &ProjectName, id_text: &str) -> Result<Option<Nonce>, DirectoryError> {
        let entry = self.registry.entry(&id(EntryKind::Nonce, project, id_text)).await?;
        Ok(entry.as_ref().map(nonce).transpose()?)
    }

    /// Deletes a nonce.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is no such nonce.
    pub async fn delete_nonce(&self, project: &ProjectName, id_text: &str) -> Result<(), DirectoryError> {
        self.remove(id(EntryKind::Nonce, project, id_text), Vec::new()).await
    }

    /// Uses a nonce once, for something that needs `level` on `object`. Returns as whom its bearer acts.
    ///
    /// # Errors
    /// A refused use is not counted.
    pub async fn use_nonce(&self, id_text: &str, object: &Object, level: Level) -> Result<Principal, NonceRefusal> {
        let id = id(EntryKind::Nonce, &object.project, id_text);
        for _ in 0..TRIES_MAX {
            let Some((record, version)) = self.find::<Record>(&id).await? else {
                return Err(NonceRefusal::Unknown);
            };
            if !record.is_of(object) {
                return Err(NonceRefusal::Unknown);
            }
            if record.level < level {
                return Err(NonceRefusal::Level);
            }
            if record.uses_max.is_some_and(|max| record.uses >= max) {
                return Err(NonceRefusal::UsedUp);
            }
            let used = Record { uses: record.uses + 1, last_used_at: Some(self.clock.now()), ..record };
            if self.try_change(vec![write(id.clone(), &used, Expected::Version(version))?]).await? {
                return Ok(Principal { project: object.project.clone(), user: used.owner, roles: used.roles });
            }
        }
        Err(NonceRefusal::Store(StoreError::Conflict("too many use the nonce at once".to_owned())))
    }

    /// The changes that delete the nonces of an object.
    pub(super) async fn nonce_deletions(&self, object: &Object) -> Result<Vec<EntryChange>, DirectoryError> {
        let nonces = self.nonces(object).await?;
        Ok(nonces.into_iter().map(|nonce| delete(id(EntryKind::Nonce, &object.project, &nonce.id))).collect())
    }
}
