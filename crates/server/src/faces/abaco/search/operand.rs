//! What a filter compares with: the text of a parameter, typed.

use std::cmp::Ordering;

use serde_json::Value;
use tidemill_core::Timestamp;

use super::BadSearch;
use crate::faces::abaco::times;

/// Members that hold times are known by these words in their names.
const TIMES: [&str; 9] = [
    "start_time",
    "message_received_time",
    "last_execution_time",
    "last_update_time",
    "StartedAt",
    "FinishedAt",
    "create_time",
    "last_health_check_time",
    "finish_time",
];

/// Whether a member of this name holds a time.
pub(super) fn is_time(key: &str) -> bool {
    TIMES.iter().any(|word| key.contains(word))
}

/// A typed value with the text that it was made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operand {
    text: String,
    value: Typed,
}

#[derive(Clone, Debug, PartialEq)]
enum Typed {
    Time(Timestamp),
    Json(Value),
}

impl Operand {
    /// Types a text: a boolean, `none`, a time if the member holds one, a number, JSON, or just text.
    pub(super) fn parse(text: &str, is_time: bool) -> Result<Operand, BadSearch> {
        let value = match text.to_ascii_lowercase().as_str() {
            "true" => Typed::Json(Value::Bool(true)),
            "false" => Typed::Json(Value::Bool(false)),
            "none" => Typed::Json(Value::Null),
            _ if is_time => Typed::Time(times::parse(text).ok_or_else(|| {
                BadSearch(format!(
                    "{text:?} is not a time; write it as in 2026-11-22T01:02:03.456Z, or a beginning of that"
                ))
            })?),
            _ => Typed::Json(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))),
        };
        Ok(Operand { text: text.to_owned(), value })
    }

    /// Types an element of a JSON list.
    pub(super) fn of(value: Value, is_time: bool) -> Result<Operand, BadSearch> {
        match value {
            Value::String(text) if is_time => Operand::parse(&text, true),
            Value::String(text) => Ok(Operand { value: Typed::Json(Value::String(text.clone())), text }),
            value => Ok(Operand { text: value.to_string(), value: Typed::Json(value) }),
        }
    }

    /// Whether a member's value is this one. A text is also equal when it reads the same.
    pub(super) fn equals(&self, value: &Value) -> bool {
        match (&self.value, value) {
            (Typed::Json(Value::Number(a)), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
            (Typed::Time(_), _) => self.compare(value) == Some(Ordering::Equal),
            (_, Value::String(text)) if *text == self.text => true,
            (Typed::Json(mine), value) => mine == value,
        }
    }

    /// How a member's value compares with this one; `None` when they are of different kinds.
    pub(super) fn compare(&self, value: &Value) -> Option<Ordering> {
        match (&self.value, value) {
            (Typed::Time(mine), Value::String(text)) => Some(times::parse(text)?.cmp(mine)),
            (Typed::Json(Value::Number(mine)), Value::Number(value)) => value.as_f64()?.partial_cmp(&mine.as_f64()?),
            (Typed::Json(Value::String(mine)), Value::String(value)) => Some(value.cmp(mine)),
            (Typed::Json(Value::Bool(mine)), Value::Bool(value)) => Some(value.cmp(mine)),
            (Typed::Time(_) | Typed::Json(_), _) => None,
        }
    }
}
