//! JSON that remembers the order of its members, and how Python would print it.
//!
//! Abaco hands values to containers as Python's `str` of them, and clients have come to depend on it.

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};
use tidemill_core::python::repr_of_json;

/// A JSON value whose objects keep the order they came in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object. As in a Python dict, a name given twice keeps its first place and its last value.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads JSON. The error is one line.
    pub(crate) fn parse(text: &[u8]) -> Result<Json, String> {
        serde_json::from_slice(text).map_err(|error| error.to_string())
    }

    /// Whether Python takes it for true.
    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Json::Null => false,
            Json::Bool(is) => *is,
            Json::Number(number) => number.as_f64() != Some(0.0),
            Json::Text(text) => !text.is_empty(),
            Json::List(list) => !list.is_empty(),
            Json::Object(members) => !members.is_empty(),
        }
    }

    /// A member of an object.
    pub(crate) fn member(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => None,
        }
    }

    /// Python's `str`: text as it is, all else as [`Json::repr`].
    pub(crate) fn str(&self) -> String {
        match self {
            Json::Text(text) => text.clone(),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_) => self.repr(),
        }
    }

    /// Python's `repr`.
    pub(crate) fn repr(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        repr_of_json(&text).unwrap_or_default()
    }
}

/// JSON that was read, written as JSON and as Python does.
#[cfg(feature = "fuzzing")]
pub(crate) fn printed(text: &[u8]) -> Result<(String, String), String> {
    let json = Json::parse(text)?;
    Ok((serde_json::to_string(&json).map_err(|error| error.to_string())?, json.repr()))
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(is) => serializer.serialize_bool(*is),
            Json::Number(number) => number.serialize(serializer),
            Json::Text(text) => serializer.serialize_str(text),
            Json::List(list) => list.serialize(serializer),
            Json::Object(members) => serializer.collect_map(members.iter().map(|(name, value)| (name, value))),
        }
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(is) => Value::Bool(is),
            Json::Number(number) => Value::Number(number),
            Json::Text(text) => Value::String(text),
            Json::List(list) => list.into_iter().map(Value::from).collect(),
            Json::Object(members) => {
                Value::Object(members.into_iter().map(|(name, value)| (name, Value::from(value))).collect())
            }
        }
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(is) => Json::Bool(*is),
            Value::Number(number) => Json::Number(number.clone()),
            Value::String(text) => Json::Text(text.clone()),
            Value::Array(list) => Json::List(list.iter().map(Json::from).collect()),
            Value::Object(members) => {
                Json::Object(members.iter().map(|(name, value)| (name.clone(), Json::from(value))).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, is: bool) -> Result<Json, E> {
        Ok(Json::Bool(is))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        while let Some((name, value)) = map.next_entry::<String, Json>()? {
            match places.get(&name) {
                Some(place) => members[*place].1 = value,
                None => {
                    places.insert(name.clone(), members.len());
                    members.push((name, value));
                }
            }
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repr(text: &str) -> String {
        Json::parse(text.as_bytes()).unwrap().repr()
    }

    #[test]
    fn values_are_printed_as_python_does() {
        for (json, python) in [
            (r#"{"k":"v","n":1,"b":true,"z":null}"#, "{'k': 'v', 'n': 1, 'b': True, 'z': None}"),
            (r#"{"z":[1,-2.5,[]],"a":{}}"#, "{'z': [1, -2.5, []], 'a': {}}"),
            (r#""it's""#, r#""it's""#),
            (r#""it's \"so\"""#, r#"'it\'s "so"'"#),
            (r#""a\nb\tc\\d\u0001\u007fä""#, r"'a\nb\tc\\d\x01\x7fä'"),
            ("1e16", "1e+16"),
            ("1.5e300", "1.5e+300"),
            ("1e-7", "1e-07"),
            ("2.0", "2.0"),
            (r#"{"a":1,"b":2,"a":3}"#, "{'a': 3, 'b': 2}"),
        ] {
            assert_eq!(repr(json), python, "{json}");
        }
    }

    #[test]
    fn text_alone_is_itself() {
        assert_eq!(Json::parse(b"\"a'b\"").unwrap().str(), "a'b");
        assert_eq!(Json::parse(b"[\"a\"]").unwrap().str(), "['a']");
    }

    #[test]
    fn python_s_idea_of_truth() {
        for (json, is) in [
            ("{}", false),
            ("0", false),
            ("0.0", false),
            ("\"\"", false),
            ("null", false),
            ("[]", false),
            ("[0]", true),
            ("\"0\"", true),
            ("-1", true),
        ] {
            assert_eq!(Json::parse(json.as_bytes()).unwrap().is_truthy(), is, "{json}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(100_000);
        assert!(Json::parse(deep.as_bytes()).is_err());
    }
}
