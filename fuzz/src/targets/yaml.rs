//! YAML: what is read can be printed and read again, is the same then, and is within its limits. JSON is YAML.

use serde_json::Value;
use tidemill_core::{
    fuzz::yaml,
    manifest::limits::{DEPTH_MAX, KEY_BYTES_MAX, NODES_MAX, SCALAR_BYTES_MAX, TEXT_BYTES_MAX},
};

use crate::{
    corpus::borrowed,
    target::{Memory, Target},
    text::{self, assert_one_line},
};

pub(super) const TARGET: Target = Target {
    name: "yaml",
    about: "YAML, the text of function.yaml",
    run,
    seeds,
    words: &[
        "&a ",
        "*a",
        "<<: ",
        "<<: *a",
        "!!str ",
        "!!int ",
        "!!float ",
        "!!null ",
        "!!map ",
        "!x ",
        "|\n",
        ">-\n",
        "? ",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        ".nan",
        ".inf",
        "0x1F",
        "0o17",
        "+1",
        "1e400",
        "~",
        "null",
        "'",
        "\"",
        "\\u0000",
        "\\ud83d\\ude00",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\t",
        "# ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        ": ",
        "- ",
        "\n  ",
    ],
    bytes_max: 4 * 1024,
    memory: Memory { base_bytes: 48 * 1024 * 1024, per_byte: 2_000 },
    share: 100,
};

fn run(input: &[u8]) {
    let Some(text) = text::of(input) else { return };
    let read = match yaml(text) {
        Ok(read) => read,
        Err(((line, column), message)) => {
            assert_one_line(&message);
            assert!(line >= 1 && column >= 1);
            let lines = text.split(['\n', '\r']).count();
            assert!(line as usize <= lines + 1, "line {line} of {lines}: {message}");
            json(text, None, &message);
            return;
        }
    };
    assert!(read.nodes <= NODES_MAX && read.scalar_bytes <= SCALAR_BYTES_MAX && read.depth <= DEPTH_MAX + 1);
    json(text, Some(&read.json), "");
    if read.printed.len() > TEXT_BYTES_MAX {
        return;
    }
    let again = yaml(&read.printed).unwrap_or_else(|(place, message)| {
        panic!("printed as {:?}, it cannot be read at {place:?}: {message}", read.printed)
    });
    assert_eq!(again.printed, read.printed, "printed and read it is another");
    assert_eq!(again.json, read.json);
}

/// Text that is JSON means the same as JSON, but for what YAML has no number or room for.
fn json(text: &str, read: Option<&Value>, message: &str) {
    let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(text) else { return };
    if !is_plain(&value, 1) {
        return;
    }
    match read {
        Some(read) => assert_eq!(*read, value, "JSON means something else as YAML"),
        None => panic!("this is JSON and is not read: {message}"),
    }
}

fn is_plain(value: &Value, depth: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number.is_i64(),
        Value::String(text) => {
            !text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'))
        }
        Value::Array(items) => depth < DEPTH_MAX && items.iter().all(|item| is_plain(item, depth + 1)),
        Value::Object(members) => {
            depth < DEPTH_MAX
                && members.iter().all(|(name, value)| {
                    name.len() <= KEY_BYTES_MAX
                        && is_plain(&Value::String(name.clone()), 0)
                        && is_plain(value, depth + 1)
                })
        }
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = borrowed(&["examples"], "function.y", 2_000);
    seeds.truncate(8);
    seeds.extend(text::seeds(&[
        "base: &base {a: 1, b: 2}\nx:\n  <<: *base\n  b: 3\ny: *base\nz: {\"<<\": 1}\n",
        "a0: &a0 [x, x]\na1: &a1 [*a0, *a0]\na2: [*a1, *a1]\n",
        "{\n\t\"a\": [1, \"x\", null, -5, true],\n\t\"b\":{\"c\":\"\\u00e4 \\\"q\\\" \\\\ /\"}\n}\n",
        "text: |\n  one\n   two\n\nfolded: >-\n  a\n  b\n\n  c\nquoted: 'it''s'\n? key\n: value\n",
        "a: ~\nb:\nc: .nan\nd: 0x1F\ne: 1.5e3\nf: !!str 5\n- bad\n",
    ]));
    seeds
}
