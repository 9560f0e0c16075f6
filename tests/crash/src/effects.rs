//! What functions did: one JSON line when a run begins and one when it ends.
//!
//! The file is the truth about user code: the workers tell it to the test's [collector](crate::collector), and the server never
//! sees it.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::checker::Invocation;

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
    /// The invocation. As read from the file it is the event's id, see [`resolve`].
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

/// Puts the invocation in the place of the event's id. They are the same but for the response of a function: as an event it
/// has the id of the invocation that responded, which is the `parent` of its own. What fits no invocation stays.
pub fn resolve(effects: &mut [Effect], invocations: &BTreeMap<String, Invocation>) {
    let children: BTreeMap<(&str, &str), &str> = invocations
        .iter()
        .filter_map(|(id, invocation)| {
            Some(((invocation.function.as_str(), invocation.parent.as_deref()?), id.as_str()))
        })
        .collect();
    for effect in effects {
        if let Some(child) = children.get(&(effect.function.as_str(), effect.invocation.as_str())) {
            effect.invocation = (*child).to_owned();
        }
    }
}
