//! One filter: a path into the document, an operator, what to compare with.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::{
    BadSearch, Document,
    operand::{Operand, is_time},
};
use crate::faces::abaco::case::Case;

/// Memory of a compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// A filter.
#[derive(Debug)]
pub(crate) struct Filter {
    path: Vec<String>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Equal(Operand),
    NotEqual(Operand),
    Less(Operand),
    AtMost(Operand),
    Greater(Operand),
    AtLeast(Operand),
    In(Vec<Operand>),
    NotIn(Vec<Operand>),
    Between(Operand, Operand),
    Like(Regex),
    NotLike(Regex),
}

/// Operators are the last part of a name; any other last part belongs to the path.
const OPERATORS: [&str; 11] = ["eq", "neq", "lt", "lte", "gt", "gte", "in", "nin", "between", "like", "nlike"];

impl Filter {
    /// Reads `name=value`.
    pub(crate) fn parse(name: &str, value: &str, case: Case) -> Result<Filter, BadSearch> {
        let (path, operator) = match name.rsplit_once('.') {
            Some((path, last)) if OPERATORS.contains(&last) => (path, last),
            Some(_) | None => (name, "eq"),
        };
        let mut path: Vec<String> = path.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(BadSearch(format!("{name:?} is not a name of a member")));
        }
        path[0] = case.snake(&path[0]);
        let is_time = is_time(&path.join("."));
        let operand = || Operand::parse(value, is_time);
        let test = match operator {
            "eq" => Test::Equal(operand()?),
            "neq" => Test::NotEqual(operand()?),
            "lt" => Test::Less(operand()?),
            "lte" => Test::AtMost(operand()?),
            "gt" => Test::Greater(operand()?),
            "gte" => Test::AtLeast(operand()?),
            "in" => Test::In(list(name, value, is_time)?),
            "nin" => Test::NotIn(list(name, value, is_time)?),
            "between" => {
                let (low, high) = value.split_once(',').ok_or_else(|| {
                    BadSearch(format!("{name} takes two values with a comma between them, as in 1,5"))
                })?;
                Test::Between(Operand::parse(low.trim(), is_time)?, Operand::parse(high.trim(), is_time)?)
            }
            "like" => Test::Like(pattern(name, value)?),
            _ => Test::NotLike(pattern(name, value)?),
        };
        Ok(Filter { path, test })
    }

    /// Whether it looks at this member of the document.
    pub(crate) fn is_of(&self, member: &str) -> bool {
        self.path[0] == member
    }

    /// Whether a document passes. A member that is a list passes if one of its elements does; one that is missing counts as
    /// `null`.
    pub(crate) fn passes(&self, document: &Document) -> bool {
        let mut values = Vec::new();
        gather(document.get(&self.path[0]), &self.path[1..], &mut values);
        let any = |test: &dyn Fn(&Value) -> bool| values.iter().any(|value| test(value));
        let equal = |operand: &Operand| any(&|value| operand.equals(value));
        let compared = |operand: &Operand, wanted: &[Ordering]| {
            any(&|value| operand.compare(value).is_some_and(|ordering| wanted.contains(&ordering)))
        };
        let like = |pattern: &Regex| any(&|value| value.as_str().is_some_and(|text| pattern.is_match(text)));
        match &self.test {
            Test::Equal(operand) => equal(operand),
            Test::NotEqual(operand) => !equal(operand),
            Test::Less(operand) => compared(operand, &[Ordering::Less]),
            Test::AtMost(operand) => compared(operand, &[Ordering::Less, Ordering::Equal]),
            Test::Greater(operand) => compared(operand, &[Ordering::Greater]),
            Test::AtLeast(operand) => compared(operand, &[Ordering::Greater, Ordering::Equal]),
            Test::In(list) => list.iter().any(equal),
            Test::NotIn(list) => !list.iter().any(equal),
            Test::Between(low, high) => any(&|value| {
                let above = low.compare(value).is_some_and(Ordering::is_ge);
                above && high.compare(value).is_some_and(Ordering::is_le)
            }),
            Test::Like(pattern) => like(pattern),
            Test::NotLike(pattern) => !like(pattern),
        }
    }
}

fn gather<'a>(value: Option<&'a Value>, path: &[String], found: &mut Vec<&'a Value>) {
    const MISSING: &Value = &Value::Null;
    match (value, path) {
        (None, _) => found.push(MISSING),
        (Some(value), []) => {
            found.push(value);
            if let Value::Array(list) = value {
                found.extend(list);
            }
        }
        (Some(Value::Object(members)), [name, rest @ ..]) => gather(members.get(name), rest, found),
        (Some(Value::Array(list)), path) => list.iter().for_each(|one| gather(Some(one), path, found)),
        (Some(_), _) => found.push(MISSING),
    }
}

fn list(name: &str, value: &str, is_time: bool) -> Result<Vec<Operand>, BadSearch> {
    match serde_json::from_str(value) {
        Ok(Value::Array(list)) => list.into_iter().map(|one| Operand::of(one, is_time)).collect(),
        Ok(_) | Err(_) => Err(BadSearch(format!("{name} takes a JSON list, as in [\"COMPLETE\", \"ERROR\"]"))),
    }
}

fn pattern(name: &str, value: &str) -> Result<Regex, BadSearch> {
    let built = RegexBuilder::new(value).size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX).build();
    built.map_err(|_| BadSearch(format!("{name}: {value:?} is not a regular expression, or too large a one")))
}
