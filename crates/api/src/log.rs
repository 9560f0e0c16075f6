//! Log lines.

use serde::{Deserialize, Serialize};
use tidemill_core::ports::LoggedLine;
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

/// Log lines, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogList {
    /// The lines.
    pub lines: Vec<LogLine>,
}
