//! JSON as Python writes it, which containers of Abaco's actors get: read back as Python would it is the same value.

use serde_json::Value;
use tidemill_core::python::repr_of_json;

use crate::{
    target::{Memory, Target},
    text,
};

pub(super) const TARGET: Target = Target {
    name: "json",
    about: "JSON rewritten as Python's literals, and JSON with its members in order",
    run,
    seeds,
    words: &[
        "'",
        "\\\"",
        "\\\\",
        "\\u0000",
        "\\ud83d\\ude00",
        "\\ud800",
        "\u{ad}",
        "\u{85}",
        "\u{2028}",
        "\u{1f600}",
        "\u{301}",
        "true",
        "false",
        "null",
        "-0",
        "1e16",
        "1e-5",
        "1e400",
        "0.1",
        "12345678901234567890",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        " ",
    ],
    bytes_max: 2 * 1024,
    memory: Memory { base_bytes: 256 * 1024, per_byte: 600 },
    share: 100,
};

fn run(input: &[u8]) {
    let ordered = tidemill_server::fuzz::json(input);
    let value = serde_json::from_slice::<Value>(input);
    if let Ok((printed, repr)) = &ordered {
        let again: Value = serde_json::from_str(printed).expect("what was printed is JSON");
        assert!(value.as_ref().is_ok_and(|value| is_same(value, &again)), "in order it is {again}");
        assert_same(repr, &again);
    } else {
        assert!(value.is_err(), "JSON is not read: {ordered:?}");
    }
    let Some(text) = text::of(input) else { return };
    let Some(repr) = repr_of_json(text) else {
        assert!(value.is_err(), "{text:?} is JSON and has no form in Python");
        return;
    };
    assert!(!repr.contains(['\n', '\r', '\0']), "{repr:?} is not one line");
    if let Ok(value) = value {
        assert_same(&repr, &value);
    }
}

/// Whether they are the same. The whole number -0 of JSON is 0 in Python.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| is_same(value, other)))
        }
        _ => one == other,
    }
}

fn assert_same(repr: &str, value: &Value) {
    let read = Python::read(repr).unwrap_or_else(|| panic!("{repr:?} is nothing in Python"));
    assert!(is_same(&read, value), "{repr} instead of {value}");
}

/// Reads Python's literals: enough of them to read back what JSON becomes.
struct Python<'a>(&'a str);

impl Python<'_> {
    fn read(text: &str) -> Option<Value> {
        let mut python = Python(text);
        let value = python.value()?;
        python.0.is_empty().then_some(value)
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.0.strip_prefix(token) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Option<Value> {
        for (word, value) in [("None", Value::Null), ("True", Value::Bool(true)), ("False", Value::Bool(false))] {
            if self.eat(word) {
                return Some(value);
            }
        }
        if self.eat("[") {
            let mut items = Vec::new();
            while !self.eat("]") {
                if !items.is_empty() && !self.eat(", ") {
                    return None;
                }
                items.push(self.value()?);
            }
            return Some(Value::Array(items));
        }
        if self.eat("{") {
            let mut members = serde_json::Map::new();
            let mut is_first = true;
            while !self.eat("}") {
                if !std::mem::take(&mut is_first) && !self.eat(", ") {
                    return None;
                }
                let name = self.text()?;
                if !self.eat(": ") {
                    return None;
                }
                let value = self.value()?;
                members.insert(name, value);
            }
            return Some(Value::Object(members));
        }
        if self.0.starts_with(['"', '\'']) {
            return self.text().map(Value::String);
        }
        let end = self.0.find([',', ']', '}', ':']).unwrap_or(self.0.len());
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        serde_json::from_str(number).ok().filter(Value::is_number)
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.0.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        self.0 = &self.0[1..];
        let mut text = String::new();
        loop {
            let c = self.0.chars().next()?;
            self.0 = &self.0[c.len_utf8()..];
            match c {
                c if c == quote => return Some(text),
                '\\' => text.push(self.escaped()?),
                c => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let c = self.0.chars().next()?;
        self.0 = &self.0[c.len_utf8()..];
        let digits = match c {
            'n' => return Some('\n'),
            'r' => return Some('\r'),
            't' => return Some('\t'),
            '\\' | '\'' | '"' => return Some(c),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        let code = u32::from_str_radix(self.0.get(..digits)?, 16).ok()?;
        self.0 = &self.0[digits..];
        char::from_u32(code)
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    text::seeds(&[
        r#"{"k":"v","n":1,"b":true,"z":null,"f":-2.5e-3,"l":[1,[],{}]}"#,
        r#"["it's","say \"x\"","it's \"x\"","a\nb\tc\rd\\e\/f","\u0000\u001f\u007f\u0080\u00a0\u00ad"]"#,
        r#"["\u00e9 \u4e2d e\u0301 \ud83d\ude00", "\u200b\u2028\ue000\ufeff\udb80\udc00"]"#,
        "[0, -0, -0.0, 1e5, 1E+2, 0.1, 0.00001, 1e15, 1e16, 9007199254740993.0, 12345678901234567890]",
        r#"{"a":1,"b":2,"a":3}"#,
    ])
}
