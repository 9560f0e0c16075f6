//! Nonces: stand-ins for a token, for one object, up to a level, so and so often.
//!
//! A nonce acts as its maker with the roles of that time, for nobody knows later which roles a user has. What its maker was
//! granted counts at each use: one whose maker was no admin stops working with the grant. One that an admin made works until it
//! is used up or deleted.
//!
//! Nonces are kept by object: each is stored under its object's name and its id.

use serde::{Deserialize, Serialize};
use tidemill_core::{
    FunctionRef, Timestamp,
    access::{Level, Object, ObjectKind, Principal, Roles},
    ports::{Entry, EntryChange, EntryId, EntryKind, Expected, StoreError},
};

use super::{
    Directory, DirectoryError, NonceRefusal,
    entries::{TRIES_MAX, delete, id, read, write},
};

/// Characters of the random part of an id: 67 bits of chance.
const RANDOM_CHARS: usize = 13;

/// The most nonces of one object.
pub const NONCES_MAX: usize = 400;

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
    fn of(nonce: Nonce) -> Record {
        Record {
            kind: nonce.object.kind.as_str().to_owned(),
            object: nonce.object.name,
            owner: nonce.owner,
            roles: nonce.roles,
            level: nonce.level,
            uses_max: nonce.uses_max,
            uses: nonce.uses,
            description: nonce.description,
            created_at: nonce.created_at,
            last_used_at: nonce.last_used_at,
        }
    }

    fn identified(self, id: &EntryId) -> Result<Nonce, StoreError> {
        let kind = ObjectKind::parse(&self.kind)
            .ok_or_else(|| StoreError::Failed(format!("a nonce is of an unknown kind: {:?}", self.kind)))?;
        // Ids have no slash in them.
        let shown = id.name.rsplit_once('/').map_or(id.name.as_str(), |(_, shown)| shown);
        Ok(Nonce {
            id: shown.to_owned(),
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

/// Under what the nonces of an object are stored.
fn folder(object: &Object) -> String {
    format!("{}/{}", object.kind.as_str(), object.name)
}

/// Names the document of a nonce.
fn nonce_id(object: &Object, shown: &str) -> EntryId {
    id(EntryKind::Nonce, &object.project, &format!("{}/{shown}", folder(object)))
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
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when its object is gone; [`DirectoryError::TooMany`] when that has [`NONCES_MAX`].
    pub async fn create_nonce(&self, new: NewNonce) -> Result<Nonce, DirectoryError> {
        let _naming = self.naming().await;
        let object = new.object;
        if !self.is_there(&object).await? {
            return Err(DirectoryError::NotFound);
        }
        if self.nonces(&object).await?.len() >= NONCES_MAX {
            return Err(DirectoryError::TooMany(NONCES_MAX));
        }
        let record = Record {
            kind: object.kind.as_str().to_owned(),
            object: object.name.clone(),
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
            let id = nonce_id(&object, &format!("{}_{}", object.project, random_part(self.rng.bits())));
            if self.try_change(vec![write(id.clone(), &record, Expected::Absent)?]).await? {
                return Ok(record.identified(&id)?);
            }
        }
        Err(DirectoryError::Conflict)
    }

    /// Whether there is the object.
    async fn is_there(&self, object: &Object) -> Result<bool, DirectoryError> {
        let (project, name) = (&object.project, object.name.as_str());
        match object.kind {
            ObjectKind::Function => Ok(self.is_function(project, name)),
            ObjectKind::Alias => Ok(self.alias(project, name).await?.is_some()),
            ObjectKind::Config => Ok(self.config(project, name).await?.is_some()),
        }
    }

    /// The nonces of an object, the oldest first.
    pub async fn nonces(&self, object: &Object) -> Result<Vec<Nonce>, DirectoryError> {
        let entries = self.registry.entries_in(EntryKind::Nonce, &object.project, &folder(object)).await?;
        let all = entries.iter().map(nonce).collect::<Result<Vec<Nonce>, StoreError>>()?;
        // The name of one alias may begin with that of another and a slash.
        let mut of_object: Vec<Nonce> = all.into_iter().filter(|nonce| nonce.object == *object).collect();
        of_object.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(of_object)
    }

    /// The nonce of an object with that id.
    pub async fn nonce(&self, object: &Object, shown: &str) -> Result<Option<Nonce>, DirectoryError> {
        let entry = self.registry.entry(&nonce_id(object, shown)).await?;
        let found = entry.as_ref().map(nonce).transpose()?;
        Ok(found.filter(|nonce| nonce.object == *object))
    }

    /// Deletes a nonce of an object.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is no such nonce.
    pub async fn delete_nonce(&self, object: &Object, shown: &str) -> Result<(), DirectoryError> {
        self.remove(nonce_id(object, shown), Vec::new()).await
    }

    /// Uses a nonce once, for something that needs `level` on `object` and the function that it means. Returns as whom its
    /// bearer acts.
    ///
    /// # Errors
    /// A refused use is not counted.
    pub async fn use_nonce(&self, shown: &str, object: &Object, level: Level) -> Result<Principal, NonceRefusal> {
        let id = nonce_id(object, shown);
        let _turn = self.uses.enter(id.name.clone()).await;
        for _ in 0..TRIES_MAX {
            let Some((record, version)) = self.find::<Record>(&id).await? else {
                return Err(NonceRefusal::Unknown);
            };
            let nonce = record.identified(&id)?;
            if nonce.object != *object {
                return Err(NonceRefusal::Unknown);
            }
            if nonce.level < level {
                return Err(NonceRefusal::Level);
            }
            if nonce.uses_max.is_some_and(|max| nonce.uses >= max) {
                return Err(NonceRefusal::UsedUp);
            }
            let maker =
                Principal { project: object.project.clone(), user: nonce.owner.clone(), roles: nonce.roles.clone() };
            if !self.may(&maker, object, level).await? {
                return Err(NonceRefusal::Maker);
            }
            let used = Record { uses: nonce.uses + 1, last_used_at: Some(self.clock.now()), ..Record::of(nonce) };
            if self.try_change(vec![write(id.clone(), &used, Expected::Version(version))?]).await? {
                return Ok(maker);
            }
        }
        Err(NonceRefusal::Store(StoreError::Conflict("too many use the nonce at once".to_owned())))
    }

    /// Whether somebody may do what needs `level` with the function that an object is or means.
    async fn may(&self, principal: &Principal, object: &Object, level: Level) -> Result<bool, StoreError> {
        let read = |error| match error {
            DirectoryError::Store(error) => error,
            other => StoreError::Failed(other.to_string()),
        };
        let grants = match object.kind {
            ObjectKind::Function | ObjectKind::Config => self.grants(object).await,
            ObjectKind::Alias => match self.alias(&object.project, &object.name).await.map_err(read)? {
                Some(alias) => {
                    self.grants(&Object::function(&FunctionRef::new(object.project.clone(), alias.function))).await
                }
                None => return Ok(principal.is_admin()),
            },
        };
        Ok(principal.may(&grants.map_err(read)?, level))
    }

    /// The changes that delete the nonces of an object.
    pub(super) async fn nonce_deletions(&self, object: &Object) -> Result<Vec<EntryChange>, DirectoryError> {
        let nonces = self.nonces(object).await?;
        Ok(nonces.into_iter().map(|nonce| delete(nonce_id(object, &nonce.id))).collect())
    }
}
