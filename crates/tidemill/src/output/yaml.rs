//! JSON values as YAML. Texts that could be read as something else are quoted as in JSON, which YAML 1.2 reads alike.

use serde_json::Value;

/// The value as a YAML document.
pub fn to_text(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0),
        Value::Object(members) if !members.is_empty() => mapping(&mut out, members, 0),
        leaf => out += &scalar(leaf),
    }
    out
}

fn sequence(out: &mut String, items: &[Value], depth: usize) {
    for item in items {
        out.push_str(&"  ".repeat(depth));
        out.push('-');
        match item {
            Value::Object(members) if !members.is_empty() => {
                let mut inner = String::new();
                mapping(&mut inner, members, depth + 1);
                out.push(' ');
                out.push_str(inner.trim_start());
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                sequence(out, items, depth + 1);
            }
            leaf => *out += &format!(" {}\n", scalar(leaf)),
        }
    }
}

fn mapping(out: &mut String, members: &serde_json::Map<String, Value>, depth: usize) {
    for (name, member) in members {
        out.push_str(&"  ".repeat(depth));
        out.push_str(&text(name));
        out.push(':');
        match member {
            Value::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                mapping(out, inner, depth + 1);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                sequence(out, items, depth + 1);
            }
            leaf => *out += &format!(" {}\n", scalar(leaf)),
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        other => other.to_string(),
    }
}

/// A text without quotes where that is safe: words that begin with a letter and look like nothing else.
fn text(string: &str) -> String {
    let begins_plainly = string.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_plain =
        string.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ' | '(' | ')'));
    let lower = string.to_ascii_lowercase();
    let is_word = matches!(lower.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    if begins_plainly && is_plain && !is_word && !string.ends_with(' ') {
        string.to_owned()
    } else {
        Value::from(string).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_become_yaml() {
        let value = json!({
            "name": "hello", "version": "3.11", "empty": {}, "none": null, "on": true,
            "items": [{"a": 1, "b": ["x", "no"]}, [], [1, [2]], "two\nlines"],
        });
        let expected = "empty: {}\nitems:\n  - a: 1\n    b:\n      - x\n      - \"no\"\n  - []\n  -\n    - 1\n    -\n      - 2\n  \
                        - \"two\\nlines\"\nname: hello\nnone: null\n\"on\": true\nversion: \"3.11\"\n";
        assert_eq!(to_text(&value), expected);
        assert_eq!(to_text(&json!([])), "[]");
        assert_eq!(to_text(&json!("a: b")), "\"a: b\"");
    }
}
