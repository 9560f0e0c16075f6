//! The JSON Schema of `function.yaml`, made from the table of keys.

use serde_json::{Map, Value, json};

use super::keys::{ENVELOPE, Effect, KINDS, Key, Shape, TRIGGER};

/// A duration as Go writes it.
const DURATION: &str = r"^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d))+$";
/// A quantity as Kubernetes writes it.
const QUANTITY: &str = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][0-9]+)?$";

/// The JSON Schema (2020-12) of a configuration.
///
/// Keys are matched without regard to case when a file is read; the schema knows their documented spelling.
pub fn schema() -> Value {
    let mut schema = object(ENVELOPE);
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".into(), json!("A Tidemill function"));
    }
    schema
}

fn object(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in keys.iter().filter(|key| key.effect != Effect::Refused) {
        for name in [Some(key.name), key.alias].into_iter().flatten() {
            properties.insert(name.to_owned(), property(key));
        }
    }
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// A key's value; `null` is as good as not given, unless it must be given.
fn property(key: &Key) -> Value {
    if key.effect == Effect::None {
        return json!({"description": format!("No effect: {}.", key.meaning), "deprecated": true});
    }
    let mut schema = match (&key.shape, key.required) {
        (Shape::Any, _) => json!({}),
        (shape, true) => of(shape),
        (shape, false) => or_null(of(shape)),
    };
    let default = if key.default.is_empty() { String::new() } else { format!(" Default: {}.", key.default) };
    schema["description"] = json!(format!("{}{default}", key.meaning));
    schema
}

/// The schema with `null` let in. It is written into the schema itself: beside it, an editor could not say which key is wrong.
fn or_null(mut schema: Value) -> Value {
    if let Some(Value::Array(cases)) = schema.get_mut("anyOf") {
        cases.push(json!({"type": "null"}));
    } else if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    } else if let Some(kind) = schema.get("type").cloned() {
        schema["type"] = json!([kind, "null"]);
    }
    schema
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Any => json!({}),
        Shape::Text => json!({"type": "string"}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Integer { min, max } => {
            let mut schema = json!({"type": "integer"});
            if *min != i64::MIN {
                schema["minimum"] = json!(min);
            }
            if *max != i64::MAX {
                schema["maximum"] = json!(max);
            }
            schema
        }
        Shape::Number { min, max } => json!({"type": "number", "minimum": min, "maximum": max}),
        Shape::Duration => json!({"anyOf": [{"type": "string", "pattern": DURATION}, {"const": 0}]}),
        Shape::Quantity => {
            json!({"anyOf": [{"type": "string", "pattern": QUANTITY}, {"type": "number", "minimum": 0}]})
        }
        Shape::Choice(words) => json!({"enum": words}),
        Shape::List(item) => json!({"type": "array", "items": of(item)}),
        Shape::Map(value) => json!({"type": "object", "additionalProperties": of(value)}),
        Shape::Object(keys) => object(keys),
        Shape::ChoiceOrObject(words, keys) => json!({"anyOf": [{"enum": words}, object(keys)]}),
        Shape::Trigger => trigger(),
    }
}

/// A trigger: its `attributes` follow from its `kind`.
fn trigger() -> Value {
    let mut schema = object(TRIGGER);
    let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    schema["properties"]["kind"]["enum"] = json!(kinds);
    let rules: Vec<Value> = KINDS
        .iter()
        .map(|kind| {
            json!({
                "if": {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]},
                "then": {"properties": {"attributes": or_null(object(kind.attributes))}},
            })
        })
        .collect();
    schema["allOf"] = json!(rules);
    schema
}
