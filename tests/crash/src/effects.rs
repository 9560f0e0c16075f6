//! What functions did: one JSON line when a run begins and one when it ends, appended in a single write each.
//!
//! The file is the truth about user code: it is written by the workers, and the server never sees it.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// Whether a run begins or is about to return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The handler was entered.
    Begin,
    /// The handler returns.
    End,
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Begin or end.
    pub moment: Moment,
    /// One run of the handler: a random text.
    pub run: String,
    /// The function.
    pub function: String,
    /// The invocation, as the handler was told.
    pub invocation: String,
    /// The unique content of the event.
    pub payload: String,
    /// The ordering key; empty for none.
    #[serde(default)]
    pub key: String,
    /// The number within the key, from 1; 0 for none.
    #[serde(default)]
    pub n: u64,
}

/// Reads the file in the order of its lines. No file means that nothing ran.
pub fn read(path: &Path) -> anyhow::Result<Vec<Effect>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).context("cannot read the effects"),
    };
    text.lines()
        .enumerate()
        .map(|(index, line)| serde_json::from_str(line).with_context(|| format!("effect {}: {line:?}", index + 1)))
        .collect()
}
