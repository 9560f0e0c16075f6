//! JSON as Python writes its values (`repr`): the form in which Abaco's containers get messages, state and configs.
//!
//! The text is rewritten while it is read, so keys keep their order and integers of any length their digits. Floats are
//! written as Python does: the shortest digits that mean the same number, in scientific form below 1e-4 and from 1e16 on.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::de::IgnoredAny;

/// The Python form of the JSON `text`; `None` when it is no JSON, or holds half a surrogate pair.
pub fn repr_of_json(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                let length = string_length(rest);
                write_text(&mut out, &serde_json::from_str::<String>(&rest[..length]).ok()?);
                length
            }
            '-' | '0'..='9' => {
                let length = rest.find([',', ']', '}', ' ', '\t', '\n', '\r']).unwrap_or(rest.len());
                write_number(&mut out, &rest[..length]);
                length
            }
            't' => word(&mut out, "True", 4),
            'f' => word(&mut out, "False", 5),
            'n' => word(&mut out, "None", 4),
            ':' => word(&mut out, ": ", 1),
            ',' => word(&mut out, ", ", 1),
            '[' | ']' | '{' | '}' => {
                out.push(first);
                1
            }
            // White space.
            _ => first.len_utf8(),
        };
        rest = &rest[length..];
    }
    Some(out)
}

/// A `dict` of texts.
pub fn repr_of_texts(texts: &BTreeMap<String, String>) -> String {
    let mut out = String::from("{");
    for (index, (name, value)) in texts.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_text(&mut out, name);
        out.push_str(": ");
        write_text(&mut out, value);
    }
    out.push('}');
    out
}

fn word(out: &mut String, python: &str, length: usize) -> usize {
    out.push_str(python);
    length
}

/// The bytes of the string literal that `text`, which is valid JSON from there on, begins with.
fn string_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn write_text(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        // Writing to a string does not fail.
        let _ = match c {
            '\\' => write!(out, "\\\\"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            c if c == quote => write!(out, "\\{c}"),
            c if is_printable(c) => out.write_char(c),
            c if u32::from(c) < 0x100 => write!(out, "\\x{:02x}", u32::from(c)),
            c if u32::from(c) < 0x10000 => write!(out, "\\u{:04x}", u32::from(c)),
            c => write!(out, "\\U{:08x}", u32::from(c)),
        };
    }
    out.push(quote);
}

/// Python and Rust agree on what is printable: all but controls, formats, surrogates, private and unassigned characters, and
/// separators other than the space. Rust shows its view in what it escapes for debugging.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // Not at the start, where Rust escapes combining characters too.
    let mut buffer = ['a', c].iter().collect::<String>().escape_debug().collect::<String>();
    buffer.remove(0);
    !buffer.starts_with('\\')
}

fn write_number(out: &mut String, number: &str) {
    if number.contains(['.', 'e', 'E']) {
        // Valid JSON numbers are valid here too; those too large for a float are infinite, as in Python.
        write_float(out, number.parse().unwrap_or(f64::NAN));
    } else if number == "-0" {
        out.push('0');
    } else {
        out.push_str(number);
    }
}

fn write_float(out: &mut String, number: f64) {
    if number.is_infinite() {
        out.push_str(if number > 0.0 { "inf" } else { "-inf" });
        return;
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // Writing to a string does not fail.
    let _ = if number == 0.0 || (-4..16).contains(&exponent) {
        // As many places as the shortest digits have, but one at least.
        let places = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32) - exponent;
        write!(out, "{number:.*}", usize::try_from(places.max(1)).unwrap_or(1))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs())
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_what_python_prints() {
        for (json, python) in [
            (r#"{"k":"v","n":1,"b":true,"z":null}"#, "{'k': 'v', 'n': 1, 'b': True, 'z': None}"),
            (r#" { "z" : [ 1 , 2.50 , false ] , "a" : { } , "e" : [ ] } "#, "{'z': [1, 2.5, False], 'a': {}, 'e': []}"),
            (r#"{"event_type":"ACTOR_READY"}"#, "{'event_type': 'ACTOR_READY'}"),
            (r#""it's""#, r#""it's""#),
            (r#""say \"x\"""#, r#"'say "x"'"#),
            (r#""it's \"x\"""#, r#"'it\'s "x"'"#),
            (r#""a\nb\tc\rd\\e\/f""#, r"'a\nb\tc\rd\\e/f'"),
            (r#""\u0000\u001f\u007f\u0080\u00a0\u00ad""#, r"'\x00\x1f\x7f\x80\xa0\xad'"),
            (r#""\u00e9 \u4e2d e\u0301 \ud83d\ude00""#, "'é 中 e\u{301} 😀'"),
            (r#""\u200b\u2028\ue000\ufeff\udb80\udc00""#, r"'\u200b\u2028\ue000\ufeff\U000f0000'"),
            ("true", "True"),
            ("null", "None"),
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("1e5", "100000.0"),
            ("1E+2", "100.0"),
            ("0.1", "0.1"),
            ("1.0", "1.0"),
            ("-2.5e-3", "-0.0025"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1.25e-7", "1.25e-07"),
            ("1e15", "1000000000000000.0"),
            ("9007199254740993.0", "9007199254740992.0"),
            ("1e16", "1e+16"),
            ("1.5e300", "1.5e+300"),
            ("1e400", "inf"),
            ("-1e400", "-inf"),
            ("[[[]],{\"a\":{\"b\":[1]}}]", "[[[]], {'a': {'b': [1]}}]"),
        ] {
            assert_eq!(repr_of_json(json).as_deref(), Some(python), "{json}");
        }
    }

    #[test]
    fn what_is_no_json_has_no_form() {
        for text in ["", "{", "{'a': 1}", "1 2", "nul", r#""\ud800""#, "[1,]"] {
            assert_eq!(repr_of_json(text), None, "{text}");
        }
    }

    #[test]
    fn configs_are_a_dict() {
        let texts = [("b", "it's"), ("a", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(repr_of_texts(&texts.into()), r#"{'a': '1', 'b': "it's"}"#);
        assert_eq!(repr_of_texts(&BTreeMap::new()), "{}");
    }
}
