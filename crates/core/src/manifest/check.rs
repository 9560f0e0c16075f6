//! Holds a document against the table of keys: every unknown key, double key and wrong type is found in one pass.

use std::collections::BTreeMap;

use super::{
    keys::{self, Effect, Key, Kind, Shape},
    nearest::nearest,
    problem::{Path, Report, found, quote},
    quantity,
    yaml::{Member, Node, Position, Scalar, Value},
};
use crate::schedule::parse_duration;

/// Up to so many known keys are listed when no near one is found.
const LISTED_MAX: usize = 12;

/// Checks `node` against `shape`.
pub(super) fn check(node: &Node, shape: &Shape, path: Path<'_>, report: &mut Report) {
    let wrong = |report: &mut Report, hint| {
        report.at(node.at, path, format!("expected {}, found {}", shape.words(), found(node)), hint);
    };
    match (shape, &node.value) {
        (Shape::Any, _) => {}
        (Shape::Text, Value::Scalar { kind: Scalar::Text, .. }) => {}
        (Shape::Text, Value::Scalar { kind, text }) if *kind != Scalar::Null => {
            wrong(report, (text.len() < 60).then(|| format!("write it in quotes: {text:?}")));
        }
        (Shape::Bool, Value::Scalar { kind: Scalar::Bool(_), .. }) => {}
        (Shape::Bool, Value::Scalar { kind: Scalar::Text, text }) => {
            let meant = match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "true" => Some("true"),
                "no" | "off" | "false" => Some("false"),
                _ => None,
            };
            wrong(report, meant.map(|word| format!("write {word}")));
        }
        (Shape::Integer { min, max }, Value::Scalar { kind: Scalar::Integer(value), .. }) => {
            if value < min {
                report.at(node.at, path, format!("{value} is too small; the least is {min}"), None);
            } else if value > max {
                report.at(node.at, path, format!("{value} is too large; the most is {max}"), None);
            }
        }
        (Shape::Number { min, max }, Value::Scalar { kind: Scalar::Integer(_) | Scalar::Number(_), text }) => {
            let value = number(node).unwrap_or(f64::NAN);
            if !(*min..=*max).contains(&value) {
                report.at(
                    node.at,
                    path,
                    format!("{} is not between {min} and {max}", quote(text).trim_matches('"')),
                    None,
                );
            }
        }
        (Shape::Duration, Value::Scalar { kind: Scalar::Text, text }) => {
            if text.len() > 100 {
                wrong(report, None);
            } else if let Err(message) = parse_duration(text) {
                report.at(node.at, path, message, None);
            }
        }
        (Shape::Duration, Value::Scalar { kind: Scalar::Integer(value), .. }) => {
            // As in Go, a bare 0 needs no unit.
            if *value != 0 {
                wrong(report, (*value > 0).then(|| format!("say the unit, as in {value}s")));
            }
        }
        (Shape::Quantity, Value::Scalar { kind: Scalar::Text | Scalar::Integer(_) | Scalar::Number(_), text }) => {
            if text.len() > 100 {
                wrong(report, None);
            } else if let Err(message) = quantity::parse_millis(text) {
                report.at(node.at, path, message, None);
            }
        }
        (Shape::Choice(words) | Shape::ChoiceOrObject(words, _), Value::Scalar { kind: Scalar::Text, text }) => {
            if !words.contains(&text.as_str()) {
                report.at(
                    node.at,
                    path,
                    format!("expected {}, found {}", shape.words(), found(node)),
                    did_you_mean(text, words),
                );
            }
        }
        (Shape::List(item), Value::List(items)) => {
            for (index, node) in items.iter().enumerate() {
                check(node, item, path.index(index), report);
            }
        }
        (Shape::Map(value), Value::Map(members)) => {
            doubles(members, str::to_owned, path, report);
            for member in members {
                check(&member.node, value, path.key(&member.key), report);
            }
        }
        (Shape::Object(keys) | Shape::ChoiceOrObject(_, keys), Value::Map(members)) => {
            object(members, keys, node.at, path, report);
        }
        (Shape::Trigger, Value::Map(members)) => trigger(members, node.at, path, report),
        _ => wrong(report, None),
    }
}

fn number(node: &Node) -> Option<f64> {
    match &node.value {
        Value::Scalar { kind: Scalar::Number(value), .. } => Some(*value),
        Value::Scalar { kind: Scalar::Integer(_), text } => text.parse().ok(),
        _ => None,
    }
}

/// Reports keys that are written twice, where `same` maps the spellings of one key onto one.
fn doubles(members: &[Member], same: impl Fn(&str) -> String, path: Path<'_>, report: &mut Report) {
    let mut first: BTreeMap<String, Position> = BTreeMap::new();
    for member in members {
        let key = same(&member.key);
        match first.get(&key) {
            Some(at) => {
                let hint = format!("the first one stands on line {}", report.line(*at));
                report.at(member.at, path.key(&member.key), "the key is given twice", Some(hint));
            }
            None => {
                first.insert(key, member.at);
            }
        }
    }
}

/// The spelling that all spellings of a key share.
fn canonical(keys: &[Key], word: &str) -> String {
    keys.iter().find(|key| key.is(word)).map_or_else(|| word.to_owned(), |key| key.name.to_owned())
}

fn object(members: &[Member], keys: &'static [Key], at: Position, path: Path<'_>, report: &mut Report) {
    doubles(members, |word| canonical(keys, word), path, report);
    for member in members {
        if report.is_full() {
            return;
        }
        known_member(member, keys, path, report);
    }
    for key in keys.iter().filter(|key| key.required) {
        if !members.iter().any(|member| key.is(&member.key) && !member.node.is_null()) {
            report.at(at, path.key(key.name), "it is missing", None);
        }
    }
}

/// Checks a member against the table and returns its key.
fn known_member(member: &Member, keys: &'static [Key], path: Path<'_>, report: &mut Report) -> Option<&'static Key> {
    let Some(key) = keys.iter().find(|key| key.is(&member.key)) else {
        let hint = stranger(&member.key, keys);
        report.at(member.at, path.key(&member.key), "this key is not known", hint);
        return None;
    };
    // As with Nuclio, a key without a value is not given.
    if member.node.is_null() {
        return Some(key);
    }
    let path = path.key(key.name);
    match key.effect {
        Effect::Honoured => check(&member.node, &key.shape, path, report),
        Effect::None => report.warn(member.at, path, format_args!("has no effect: {}", key.meaning)),
        Effect::Refused => report.at(member.at, path, key.meaning, None),
    }
    Some(key)
}

/// What to say about an unknown key.
fn stranger(word: &str, keys: &'static [Key]) -> Option<String> {
    if let Some(near) = nearest(word, keys.iter().map(|key| key.name)) {
        return Some(format!("did you mean {near:?}?"));
    }
    if let Some((place, key)) = keys::home(word) {
        return Some(format!("{:?} belongs in {place}", key.name));
    }
    let known: Vec<&str> = keys.iter().filter(|key| key.effect == Effect::Honoured).map(|key| key.name).collect();
    (known.len() <= LISTED_MAX).then(|| format!("there are {}", known.join(", ")))
}

fn did_you_mean(word: &str, words: &[&'static str]) -> Option<String> {
    nearest(word, words.iter().copied()).map(|near| format!("did you mean {near:?}?"))
}

fn trigger(members: &[Member], at: Position, path: Path<'_>, report: &mut Report) {
    object(members, keys::TRIGGER, at, path, report);
    let find = |name: &str| {
        let key = keys::TRIGGER.iter().find(|key| key.name == name)?;
        members.iter().find(|member| key.is(&member.key) && !member.node.is_null())
    };
    let Some((kind_at, word)) = find("kind").and_then(|member| match &member.node.value {
        Value::Scalar { kind: Scalar::Text, text } => Some((member.node.at, text.as_str())),
        _ => None,
    }) else {
        return;
    };
    let Some(kind) = keys::KINDS.iter().find(|kind| kind.name == word) else {
        unknown_kind(word, kind_at, path.key("kind"), report);
        return;
    };
    if let Some(attributes) = find("attributes") {
        check(&attributes.node, &Shape::Object(kind.attributes), path.key("attributes"), report);
    }
}

fn unknown_kind(word: &str, at: Position, path: Path<'_>, report: &mut Report) {
    let kinds: Vec<&'static str> = keys::KINDS.iter().map(|Kind { name, .. }| *name).collect();
    let list = kinds.join(", ");
    if let Some(other) = keys::OTHER_KINDS.iter().find(|other| other.eq_ignore_ascii_case(word)) {
        report.at(
            at,
            path,
            format!("this version does not have the source {other:?} yet"),
            Some(format!("there are {list}")),
        );
    } else {
        let hint = did_you_mean(word, &kinds);
        report.at(at, path, format!("{} is not a kind of trigger; there are {list}", quote(word)), hint);
    }
}
