//! What grants are given on.

use crate::name::ProjectName;

/// Kinds of objects that have grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A function, which an actor is too.
    Function,
    /// An alias.
    Alias,
    /// A config.
    Config,
}

impl ObjectKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ObjectKind::Function => "function",
            ObjectKind::Alias => "alias",
            ObjectKind::Config => "config",
        }
    }
}

/// An object that has grants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// Its kind.
    pub kind: ObjectKind,
    /// Whose it is.
    pub project: ProjectName,
    /// Its name.
    pub name: String,
}
