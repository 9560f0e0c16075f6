//! `X-Nuclio-Logs`: the function's log of one call, in a response header.

use std::fmt::Write;

use http::HeaderValue;
use serde_json::{Map, Value};
use tidemill_core::invocation::{LogLevel, LogLine};

/// A header of so many bytes or more is left out, as Nuclio does.
const BYTES_MAX: usize = 4096;

/// The header's value: the lines at `level` or above. `None` when it would be too long.
pub(super) fn value(lines: &[LogLine], level: LogLevel) -> Option<HeaderValue> {
    let mut records = Vec::new();
    let mut size = 0;
    for line in lines.iter().filter(|line| line.level >= level) {
        size += line.message.len();
        if size >= BYTES_MAX {
            return None;
        }
        records.push(record(line));
    }
    let text = ascii(&serde_json::to_string(&records).ok()?);
    if text.len() >= BYTES_MAX { None } else { HeaderValue::from_str(&text).ok() }
}

fn record(line: &LogLine) -> Value {
    let mut record = match &line.fields {
        Some(Value::Object(fields)) => fields.clone(),
        Some(_) | None => Map::new(),
    };
    record.insert("level".to_owned(), line.level.as_str().into());
    record.insert("message".to_owned(), line.message.clone().into());
    // Milliseconds since the epoch, as Nuclio's clients expect.
    record.insert("time".to_owned(), (line.time.micros() as f64 / 1000.0).into());
    Value::Object(record)
}

/// JSON with everything beyond ASCII escaped: header values carry nothing else safely.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() && character != '\u{7f}' {
            text.push(character);
        } else {
            let mut units = [0u16; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use tidemill_core::Timestamp;

    use super::*;

    fn line(level: LogLevel, message: &str) -> LogLine {
        LogLine { time: Timestamp(1_500_000), level, message: message.to_owned(), fields: None }
    }

    #[test]
    fn lines_become_a_header() {
        let mut lines = [line(LogLevel::Debug, "quiet"), line(LogLevel::Warn, "loud ä 🦀\n")];
        lines[1].fields = Some(serde_json::json!({"size": 3}));
        let text = value(&lines, LogLevel::Info).unwrap();
        assert_eq!(
            text.to_str().unwrap(),
            r#"[{"level":"warn","message":"loud \u00e4 \ud83e\udd80\n","size":3,"time":1500.0}]"#
        );
        assert_eq!(value(&[], LogLevel::Debug).unwrap(), "[]");
    }

    #[test]
    fn a_long_log_is_left_out() {
        assert!(value(&[line(LogLevel::Error, &"x".repeat(5000))], LogLevel::Debug).is_none());
        assert!(value(&[line(LogLevel::Error, &"ä".repeat(1500))], LogLevel::Debug).is_none());
    }
}
