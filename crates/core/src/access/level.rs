//! Levels of access and who has them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The user name that stands for everybody (Abaco's word).
pub const WORLD: &str = "ABACO_WORLD";

/// What somebody may do with an object. A higher level includes the lower ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Nothing.
    #[default]
    None,
    /// Look at it.
    Read,
    /// Run it.
    Execute,
    /// Change and delete it.
    Update,
}

/// A word that is no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a level; there are NONE, READ, EXECUTE and UPDATE")]
pub struct UnknownLevel(pub String);

impl Level {
    /// All, the lowest first.
    pub const ALL: [Level; 4] = [Level::None, Level::Read, Level::Execute, Level::Update];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::None => "NONE",
            Level::Read => "READ",
            Level::Execute => "EXECUTE",
            Level::Update => "UPDATE",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Level, UnknownLevel> {
        let known = Level::ALL.into_iter().find(|level| level.as_str() == text);
        known.ok_or_else(|| UnknownLevel(text.chars().take(40).collect()))
    }
}

/// The grants of one object: user name and level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(pub BTreeMap<String, Level>);

impl Grants {
    /// What `user` may do: its own level or the world's, whichever is higher.
    pub fn level_of(&self, user: &str) -> Level {
        let level = |name: &str| self.0.get(name).copied().unwrap_or_default();
        level(user).max(level(WORLD))
    }

    /// Sets a user's level; [`Level::None`] stays visible as such.
    pub fn set(&mut self, user: impl Into<String>, level: Level) {
        self.0.insert(user.into(), level);
    }
}
