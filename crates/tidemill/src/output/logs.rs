//! Log lines for people.

use console::style;
use tidemill_api::LogLine;

use super::words::{local_time, status};

/// How much of an invocation's id a line shows: its end, because ids of one moment begin alike.
const ID_SHOWN: usize = 8;

/// `time invocation level message fields`: a line among those of other invocations.
pub fn log_line(line: &LogLine) -> String {
    let id = line.invocation.simple().to_string();
    told(line, &format!(" {}", style(&id[id.len() - ID_SHOWN..]).dim()))
}

/// `time level message fields`: a line among those of one invocation.
pub fn own_log_line(line: &LogLine) -> String {
    told(line, "")
}

/// `message fields`, without colours.
pub fn said(line: &LogLine) -> String {
    format!("{}{}", line.message.trim_end(), fields(line.fields.as_ref()))
}

/// The fields are told as `name=value`.
fn told(line: &LogLine, id: &str) -> String {
    let time = local_time(line.time);
    let level = match line.level.as_str() {
        level @ ("debug" | "info") => style(format!("{level:<5}")).dim().to_string(),
        level => status_padded(level),
    };
    let fields = style(fields(line.fields.as_ref())).dim();
    format!("{}{id} {level} {}{fields}", style(time).dim(), line.message.trim_end())
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
    members.iter().map(field).collect()
}
