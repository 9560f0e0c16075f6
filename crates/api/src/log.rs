//! Log lines.

use serde::{Deserialize, Serialize};
use tidemill_core::{InvocationId, invocation, ports::LoggedLine};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Time;

/// One line that user code printed or logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// Grows with every line; give it as `after` to read on.
    pub position: i64,
    /// When.
    pub time: Time,
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The text.
    pub message: String,
    /// Structured fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<serde_json::Value>,
    /// The function.
    pub function: String,
    /// The invocation.
    pub invocation: Uuid,
    /// The attempt, from 1.
    pub attempt: u32,
}

impl From<LoggedLine> for LogLine {
    fn from(logged: LoggedLine) -> LogLine {
        LogLine {
            position: logged.position,
            time: logged.line.time.into(),
            level: logged.line.level.as_str().to_owned(),
            message: logged.line.message,
            fields: logged.line.fields,
            function: logged.function.name.to_string(),
            invocation: logged.invocation.0,
            attempt: logged.attempt,
        }
    }
}

impl LogLine {
    /// A line of an attempt that runs.
    pub fn live(line: invocation::LogLine, function: &str, invocation: InvocationId, attempt: u32) -> LogLine {
        LogLine {
            position: 0,
            time: line.time.into(),
            level: line.level.as_str().to_owned(),
            message: line.message,
            fields: line.fields,
            function: function.to_owned(),
            invocation: invocation.0,
            attempt,
        }
    }
}

/// Log lines, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogList {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// What the attempt that runs now has written so far, where its worker can tell. It is not stored yet and has no
    /// position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub live: Vec<LogLine>,
}
