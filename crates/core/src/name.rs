//! Names: validated when parsed, so that whoever holds one need not check again.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The most characters a name has; the limit of a DNS label, as in Kubernetes' qualified names.
pub const NAME_LENGTH_MAX: usize = 63;

/// A text that cannot be a name, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what} name: {reason}")]
pub struct InvalidName {
    /// What the name is of, as in "function".
    pub what: &'static str,
    /// The rejected text.
    pub text: String,
    /// The rule it breaks.
    pub reason: &'static str,
}

fn check(what: &'static str, text: &str) -> Result<(), InvalidName> {
    let fail = |reason| Err(InvalidName { what, text: text.chars().take(80).collect(), reason });
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    if text.is_empty() {
        return fail("it is empty");
    }
    if text.len() > NAME_LENGTH_MAX {
        return fail("it has more than 63 characters");
    }
    if !text.chars().all(|c| is_edge(c) || matches!(c, '-' | '_' | '.')) {
        return fail("it may hold letters, digits, '-', '_' and '.' only");
    }
    if !text.starts_with(is_edge) || !text.ends_with(is_edge) {
        return fail("it must begin and end with a letter or digit");
    }
    Ok(())
}

macro_rules! name {
    ($type:ident, $what:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                check($what, text).map(|()| $type(text.into()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(ProjectName, "project", "Names a project. The one that everything lives in unless said otherwise is `default`.");
name!(FunctionName, "function", "Names a function within its project.");
name!(TriggerName, "trigger", "Names a trigger within its function.");
name!(TopicName, "topic", "Names a topic within its project.");

impl Default for ProjectName {
    fn default() -> Self {
        ProjectName("default".into())
    }
}

impl ProjectName {
    /// Whether this is the project used when none is named.
    pub fn is_default(&self) -> bool {
        self.as_str() == "default"
    }
}

/// A function by project and name. Written `name` in the default project and `project:name` elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FunctionRef {
    /// The project.
    pub project: ProjectName,
    /// The name within the project.
    pub name: FunctionName,
}

impl FunctionRef {
    /// The function `name` of `project`.
    pub fn new(project: ProjectName, name: FunctionName) -> Self {
        FunctionRef { project, name }
    }
}

impl fmt::Display for FunctionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.project.is_default() { self.name.fmt(f) } else { write!(f, "{}:{}", self.project, self.name) }
    }
}

impl FromStr for FunctionRef {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text.split_once(':') {
            Some((project, name)) => Ok(FunctionRef::new(project.parse()?, name.parse()?)),
            None => Ok(FunctionRef::new(ProjectName::default(), text.parse()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["a", "hello", "word-count", "my_fn.v2", "A1", &"x".repeat(63)] {
            assert!(good.parse::<FunctionName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "a/b", "ä", "..", &"x".repeat(64)] {
            assert!(bad.parse::<FunctionName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn references_show_the_project_unless_default() {
        assert_eq!("hello".parse::<FunctionRef>().unwrap().to_string(), "hello");
        assert_eq!("shop:hello".parse::<FunctionRef>().unwrap().to_string(), "shop:hello");
        assert!("shop:".parse::<FunctionRef>().is_err());
    }
}
