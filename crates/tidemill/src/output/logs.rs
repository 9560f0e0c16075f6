//! Log lines for people.

use console::style;
use tidemill_api::LogLine;

use super::words::{local_time, status};

/// `time level message fields`, the fields as `name=value`.
pub fn log_line(line: &LogLine) -> String {
    let time = local_time(line.time);
    let level = match line.level.as_str() {
        level @ ("debug" | "info") => style(format!("{level:<5}")).dim().to_string(),
        level => status_padded(level),
    };
    let fields = fields(line.fields.as_ref());
    format!("{} {level} {}{fields}", style(time).dim(), line.message.trim_end())
}

fn status_padded(level: &str) -> String {
    format!("{}{}", status(level), " ".repeat(5usize.saturating_sub(level.len())))
}

fn fields(fields: Option<&serde_json::Value>) -> String {
    let Some(serde_json::Value::Object(members)) = fields else { return String::new() };
    let field = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(text) if !text.contains([' ', '"', '\n']) => format!(" {name}={text}"),
        other => format!(" {name}={other}"),
    };
    style(members.iter().map(field).collect::<String>()).dim().to_string()
}
