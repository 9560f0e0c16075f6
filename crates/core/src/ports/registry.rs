//! The registry: small named documents that belong to a project, such as aliases, grants and nonces.
//!
//! It knows nothing of what they mean. Each entry has a version, so that a decision made on what was read is carried out
//! only if that still stands; a list of changes takes place as a whole or not at all.

use async_trait::async_trait;

use super::StoreError;
use crate::name::ProjectName;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A name for a function.
    Alias,
    /// Who may do what with an object.
    Grants,
    /// A stand-in for a token.
    Nonce,
    /// A value handed to functions, perhaps secret.
    Config,
    /// What a face remembers of an actor.
    Actor,
    /// A revision whose first worker has not become ready.
    Readiness,
    /// Running totals.
    Total,
}

impl EntryKind {
    /// All, in the order of their words.
    pub const ALL: [EntryKind; 7] = [
        EntryKind::Actor,
        EntryKind::Alias,
        EntryKind::Config,
        EntryKind::Grants,
        EntryKind::Nonce,
        EntryKind::Readiness,
        EntryKind::Total,
    ];

    /// The word for it in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            EntryKind::Alias => "alias",
            EntryKind::Grants => "grants",
            EntryKind::Nonce => "nonce",
            EntryKind::Config => "config",
            EntryKind::Actor => "actor",
            EntryKind::Readiness => "readiness",
            EntryKind::Total => "total",
        }
    }

    /// Reads what [`EntryKind::as_str`] wrote.
    pub fn parse(text: &str) -> Option<EntryKind> {
        EntryKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Names an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// What it is.
    pub kind: EntryKind,
    /// Whose it is.
    pub project: ProjectName,
    /// Its name within kind and project; any text.
    pub name: String,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub id: EntryId,
    /// Grows with each change, from 1. An entry made anew under a former name has a higher one than any that was there: what
    /// was read of the former is stale for good.
    pub version: u64,
    /// Its content.
    pub value: serde_json::Value,
}

/// What must hold for a change to take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Any,
    /// There is no such entry.
    Absent,
    /// The entry has this version.
    Version(u64),
}

/// A change of one entry.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryChange {
    /// Which.
    pub id: EntryId,
    /// Its new content; `None` deletes it (deleting what is not there is fine unless a version is expected).
    pub value: Option<serde_json::Value>,
    /// What must hold.
    pub expected: Expected,
}

/// Small named documents.
#[async_trait]
pub trait Registry: Send + Sync {
    /// One entry.
    async fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError>;

    /// All entries of a kind, of one project or of all, by project and name.
    async fn entries(&self, kind: EntryKind, project: Option<&ProjectName>) -> Result<Vec<Entry>, StoreError>;

    /// The entries of a kind in a project whose names begin with `folder` and a `/`, by name.
    async fn entries_in(&self, kind: EntryKind, project: &ProjectName, folder: &str) -> Result<Vec<Entry>, StoreError>;

    /// Makes changes, all or none, on disk when it returns. [`StoreError::Conflict`] when an expectation does not hold.
    async fn change(&self, changes: Vec<EntryChange>) -> Result<(), StoreError>;
}
