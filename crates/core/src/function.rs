//! Functions and their revisions as they are stored.

use serde::{Deserialize, Serialize};

use crate::{
    id::{Digest, RevisionNumber},
    name::FunctionRef,
    spec::FunctionSpec,
    time::Timestamp,
};

/// What a function is asked to be (its desired state).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FunctionState {
    /// It answers calls and works off its queue.
    Active,
    /// It keeps accepting asynchronous events and runs none; synchronous calls are refused.
    Paused,
}

impl FunctionState {
    /// The word for it in API, CLI and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            FunctionState::Active => "active",
            FunctionState::Paused => "paused",
        }
    }

    /// Reads what [`FunctionState::as_str`] wrote.
    pub fn parse(text: &str) -> Option<FunctionState> {
        [FunctionState::Active, FunctionState::Paused].into_iter().find(|state| state.as_str() == text)
    }
}

/// A named function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionRecord {
    /// Project and name.
    pub function: FunctionRef,
    /// The revision that new calls go to.
    pub active: RevisionNumber,
    /// What it is asked to be.
    pub desired: FunctionState,
    /// When it was first deployed.
    pub created_at: Timestamp,
    /// When its active revision or desired state last changed.
    pub updated_at: Timestamp,
}

/// One immutable code and settings of a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevisionRecord {
    /// The function.
    pub function: FunctionRef,
    /// Its number, from 1.
    pub number: RevisionNumber,
    /// The settings, complete: nothing else decides how it runs.
    pub spec: FunctionSpec,
    /// The content of the package, found unpacked under this digest.
    pub package: Digest,
    /// When it was deployed.
    pub created_at: Timestamp,
}
