//! The configs that go with a call. They may be secrets: nothing here tells a value.

use std::collections::BTreeMap;

use crate::limits::CONFIGS_BYTES_MAX;

/// Refuses configs that are too large. The error is one line that says which of them is the largest.
///
/// # Errors
///
/// Names and values have more than [`CONFIGS_BYTES_MAX`] bytes together.
pub fn check(configs: &BTreeMap<String, String>) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_too_many_is_named() {
        let configs = |size: usize| {
            BTreeMap::from([("key".to_owned(), "k".repeat(size)), ("region".to_owned(), "eu".to_owned())])
        };
        let rest = "key".len() + "region".len() + "eu".len();
        assert_eq!(check(&BTreeMap::new()), Ok(()));
        assert_eq!(check(&configs(CONFIGS_BYTES_MAX - rest)), Ok(()));
        let error = check(&configs(CONFIGS_BYTES_MAX - rest + 1)).unwrap_err();
        assert!(error.contains("the largest is \"key\" with") && !error.contains("kk"), "{error}");
    }
}
