//! Every key there is in a configuration: one table for the check, the JSON Schema and the reference.
//!
//! A key that this version carries out has a [`Shape`] of its own. One that Nuclio knows and that does nothing here is
//! [`Effect::None`]: accepted, with a warning that says why. One whose silence would run something else than its author
//! meant is [`Effect::Refused`].

mod build;
mod container;
mod envelope;
mod spec;
mod trigger;

pub(super) use build::BUILD;
pub(super) use container::CONTAINER;
pub(super) use envelope::{ENVELOPE, METADATA};
pub(super) use spec::{CALL_TYPES, RETRY, SPEC};
pub(super) use trigger::{KINDS, Kind, OTHER_KINDS, TRIGGER};

/// A key of a mapping.
pub(super) struct Key {
    /// As documentation writes it; files may use any case.
    pub(super) name: &'static str,
    /// Another spelling.
    pub(super) alias: Option<&'static str>,
    /// What its value looks like.
    pub(super) shape: Shape,
    /// What it does.
    pub(super) effect: Effect,
    /// The value when it is not given, in words. Empty: nothing.
    pub(super) default: &'static str,
    /// What it means; for one without effect, why it has none.
    pub(super) meaning: &'static str,
    /// Whether it must be given.
    pub(super) required: bool,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is carried out.
    Honoured,
    /// It is accepted with a warning.
    None,
    /// It is an error.
    Refused,
}

/// What a value looks like.
pub(super) enum Shape {
    /// Anything.
    Any,
    /// A text.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Integer { min: i64, max: i64 },
    /// A number within bounds.
    Number { min: f64, max: f64 },
    /// A duration, as in `1h30m`.
    Duration,
    /// A quantity, as in `128Mi`; a bare number is taken as it is.
    Quantity,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A list of such values.
    List(&'static Shape),
    /// Free names with such values.
    Map(&'static Shape),
    /// Known keys only.
    Object(&'static [Key]),
    /// A word, or known keys.
    ChoiceOrObject(&'static [&'static str], &'static [Key]),
    /// A trigger; what `attributes` holds depends on `kind`.
    Trigger,
}

impl Shape {
    /// In words, as in `a duration such as 30s`.
    pub(super) fn words(&self) -> String {
        match self {
            Shape::Any => "anything".to_owned(),
            Shape::Text => "a text".to_owned(),
            Shape::Bool => "true or false".to_owned(),
            Shape::Integer { .. } => "a whole number".to_owned(),
            Shape::Number { .. } => "a number".to_owned(),
            Shape::Duration => "a duration such as 30s".to_owned(),
            Shape::Quantity => "a quantity such as 128Mi".to_owned(),
            Shape::Choice(words) => format!("one of {}", words.join(", ")),
            Shape::List(item) => format!("a list of {}", item.plural()),
            Shape::Map(value) => format!("a mapping of names to {}", value.plural()),
            Shape::Object(_) | Shape::Trigger => "a mapping".to_owned(),
            Shape::ChoiceOrObject(words, _) => format!("one of {}, or a mapping", words.join(", ")),
        }
    }

    fn plural(&self) -> &'static str {
        match self {
            Shape::Text => "texts",
            Shape::Object(_) => "mappings",
            Shape::Trigger => "triggers",
            _ => "values",
        }
    }
}

impl Key {
    const fn required(mut self) -> Key {
        self.required = true;
        self
    }

    const fn alias(mut self, alias: &'static str) -> Key {
        self.alias = Some(alias);
        self
    }

    /// Whether `word` is this key, in whatever case.
    pub(super) fn is(&self, word: &str) -> bool {
        self.name.eq_ignore_ascii_case(word) || self.alias.is_some_and(|alias| alias.eq_ignore_ascii_case(word))
    }
}

const fn key(name: &'static str, shape: Shape, default: &'static str, meaning: &'static str) -> Key {
    Key { name, alias: None, shape, effect: Effect::Honoured, default, meaning, required: false }
}

const fn no_effect(name: &'static str, why: &'static str) -> Key {
    Key { name, alias: None, shape: Shape::Any, effect: Effect::None, default: "", meaning: why, required: false }
}

const fn refused(name: &'static str, why: &'static str) -> Key {
    Key { name, alias: None, shape: Shape::Any, effect: Effect::Refused, default: "", meaning: why, required: false }
}

/// Where a known key belongs, for one that stands in the wrong place.
pub(super) fn home(word: &str) -> Option<(&'static str, &'static Key)> {
    let tables: [(&str, &'static [Key]); 5] = [
        ("spec", SPEC),
        ("metadata", METADATA),
        ("spec.build", BUILD),
        ("spec.retry", RETRY),
        ("spec.container", CONTAINER),
    ];
    tables.into_iter().find_map(|(place, table)| table.iter().find(|key| key.is(word)).map(|key| (place, key)))
}

const KUBERNETES: &str = "there is no Kubernetes under this function";
const NO_IMAGE: &str = "an image is said by spec.container and used as it is";
const NO_METRIC_SCALING: &str = "workers follow the queue and the use of slots";
const RECORD_ONLY: &str = "deployments are numbered as revisions by themselves";
