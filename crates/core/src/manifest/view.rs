//! Reading checked values: what has the wrong type has been reported already and counts as not given.

use std::{fmt, time::Duration};

use super::{
    quantity,
    yaml::{Node, Position, Scalar, Value},
};
use crate::schedule::parse_duration;

/// A value that may be there, and its path.
pub(super) struct View<'a> {
    node: Option<&'a Node>,
    at: Position,
    path: String,
}

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl<'a> View<'a> {
    /// The whole document.
    pub(super) fn root(node: &'a Node) -> View<'a> {
        View { node: Some(node), at: node.at, path: String::new() }
    }

    /// Where it stands; for a value that is not there, where the mapping stands that lacks it.
    pub(super) fn at(&self) -> Position {
        self.at
    }

    /// Whether there is a value.
    pub(super) fn is_given(&self) -> bool {
        self.node.is_some()
    }

    /// A member by one of its names, in any case.
    pub(super) fn get_any(&self, names: &[&str]) -> View<'a> {
        let name = names.first().copied().unwrap_or_default();
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        let members = match self.node.map(|node| &node.value) {
            Some(Value::Map(members)) => members.as_slice(),
            _ => &[],
        };
        let member = members
            .iter()
            .find(|member| !member.node.is_null() && names.iter().any(|name| name.eq_ignore_ascii_case(&member.key)));
        View { node: member.map(|member| &member.node), at: member.map_or(self.at, |member| member.node.at), path }
    }

    /// A member by name, in any case.
    pub(super) fn get(&self, name: &str) -> View<'a> {
        self.get_any(&[name])
    }

    /// The members of a mapping with free names.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'a str, View<'a>)> + use<'a> {
        let path = self.path.clone();
        let members = match self.node.map(|node| &node.value) {
            Some(Value::Map(members)) => members.as_slice(),
            _ => &[],
        };
        members.iter().map(move |member| {
            let view = View { node: Some(&member.node), at: member.at, path: format!("{path}.{}", member.key) };
            (member.key.as_str(), view)
        })
    }

    /// The items of a list.
    pub(super) fn items(&self) -> impl Iterator<Item = View<'a>> + use<'a> {
        let path = self.path.clone();
        let items = match self.node.map(|node| &node.value) {
            Some(Value::List(items)) => items.as_slice(),
            _ => &[],
        };
        items.iter().enumerate().map(move |(index, node)| View {
            node: Some(node),
            at: node.at,
            path: format!("{path}[{index}]"),
        })
    }

    fn scalar(&self) -> Option<(&'a str, Scalar)> {
        match self.node.map(|node| &node.value) {
            Some(Value::Scalar { text, kind }) => Some((text, *kind)),
            _ => None,
        }
    }

    /// A text.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.scalar().filter(|(_, kind)| *kind == Scalar::Text).map(|(text, _)| text)
    }

    /// The texts of a list.
    pub(super) fn texts(&self) -> Vec<String> {
        self.items().filter_map(|item| item.text().map(str::to_owned)).collect()
    }

    /// `true` or `false`.
    pub(super) fn bool(&self) -> Option<bool> {
        match self.scalar()? {
            (_, Scalar::Bool(value)) => Some(value),
            _ => None,
        }
    }

    /// A whole number.
    pub(super) fn integer(&self) -> Option<i64> {
        match self.scalar()? {
            (_, Scalar::Integer(value)) => Some(value),
            _ => None,
        }
    }

    /// A whole number that fits.
    pub(super) fn unsigned(&self) -> Option<u32> {
        self.integer().and_then(|value| u32::try_from(value).ok())
    }

    /// A number.
    pub(super) fn number(&self) -> Option<f64> {
        match self.scalar()? {
            (_, Scalar::Number(value)) => Some(value),
            (text, Scalar::Integer(_)) => text.parse().ok(),
            _ => None,
        }
    }

    /// A duration.
    pub(super) fn duration(&self) -> Option<Duration> {
        match self.scalar()? {
            (text, Scalar::Text) => parse_duration(text).ok(),
            (_, Scalar::Integer(0)) => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// A quantity in thousandths.
    pub(super) fn millis(&self) -> Option<u128> {
        match self.scalar()? {
            (text, Scalar::Text | Scalar::Integer(_) | Scalar::Number(_)) => quantity::parse_millis(text).ok(),
            _ => None,
        }
    }

    /// A quantity of bytes.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.millis().and_then(|millis| u64::try_from(millis.div_ceil(1_000)).ok())
    }

    /// The value as JSON.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        self.node.map(Node::to_json)
    }
}
