//! The configs of a call on their way to a worker: a JSON object of texts.
//!
//! They may be secrets: nothing here or behind it logs a value.

use std::collections::BTreeMap;

use super::outgoing::texts;

/// Appends them as a JSON object.
pub(crate) fn write(out: &mut Vec<u8>, configs: &BTreeMap<String, String>) {
    texts(out, configs.iter());
}
