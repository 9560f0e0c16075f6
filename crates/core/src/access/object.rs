//! What grants are given on.

use crate::name::{FunctionRef, ProjectName};

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
    /// All.
    pub const ALL: [ObjectKind; 3] = [ObjectKind::Function, ObjectKind::Alias, ObjectKind::Config];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ObjectKind::Function => "function",
            ObjectKind::Alias => "alias",
            ObjectKind::Config => "config",
        }
    }

    /// Reads what [`ObjectKind::as_str`] wrote.
    pub fn parse(text: &str) -> Option<ObjectKind> {
        ObjectKind::ALL.into_iter().find(|kind| kind.as_str() == text)
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

impl Object {
    /// An object by kind, project and name.
    pub fn new(kind: ObjectKind, project: &ProjectName, name: &str) -> Object {
        Object { kind, project: project.clone(), name: name.to_owned() }
    }

    /// A function.
    pub fn function(function: &FunctionRef) -> Object {
        Object::new(ObjectKind::Function, &function.project, function.name.as_str())
    }

    /// An alias of a project.
    pub fn alias(project: &ProjectName, name: &str) -> Object {
        Object::new(ObjectKind::Alias, project, name)
    }

    /// A config of a project.
    pub fn config(project: &ProjectName, name: &str) -> Object {
        Object::new(ObjectKind::Config, project, name)
    }
}
