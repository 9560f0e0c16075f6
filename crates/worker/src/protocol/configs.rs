//! The configs of a call on their way to a worker: a JSON object of texts.
//!
//! They may be secrets: nothing here or behind it logs a value.

use std::collections::BTreeMap;

use super::outgoing::texts;

/// The most that names and values of a call's configs have together, in bytes.
pub(crate) const CONFIGS_BYTES_MAX: usize = 1024 * 1024;

/// Refuses configs that are too large. The error is one line that says which of them is the largest.
pub(crate) fn check(configs: &BTreeMap<String, String>) -> Result<(), String> {
    let sizes = || configs.iter().map(|(name, value)| (name.len() + value.len(), name));
    let size: usize = sizes().map(|(size, _)| size).sum();
    match sizes().max() {
        Some((largest, name)) if size > CONFIGS_BYTES_MAX => Err(format!(
            "the function's configs have {size} bytes together, more than the {CONFIGS_BYTES_MAX} that are allowed; the \
             largest is {name:?} with {largest}: make it smaller, or for fewer functions, with `tidemill secret set`"
        )),
        _ => Ok(()),
    }
}

/// Appends them as a JSON object.
pub(crate) fn write(out: &mut Vec<u8>, configs: &BTreeMap<String, String>) {
    texts(out, configs.iter());
}
