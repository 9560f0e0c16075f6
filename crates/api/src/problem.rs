//! Problem documents (RFC 9457): the one form of every error that is ours. What a failing function answers is an outcome
//! and not a problem.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ErrorCode;

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error, as RFC 9457 writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Identifies the kind, as in `urn:tidemill:problem:queue_full`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind of problem this is, in a sentence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The code from the closed list.
    pub code: ErrorCode,
    /// What one can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Seconds after which another attempt is reasonable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// What is wrong in a manifest, one member each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Remark>,
    /// What a failed install, build or start printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Invocations of the same request that were accepted before it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<uuid::Uuid>,
}

/// One thing wrong in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Remark {
    /// The file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The path of the key, as in `spec.triggers.web.kind`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What one can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of kind `code`, with what happened this time.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("urn:tidemill:problem:{code}"),
            title: code.doc().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code,
            hint: None,
            retry_after: None,
            problems: Vec::new(),
            output: None,
            accepted: Vec::new(),
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// The same with a time, in seconds, after which another attempt is reasonable.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Problem {
        self.retry_after = Some(seconds);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}
