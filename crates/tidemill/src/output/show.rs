//! The three forms of a list or a view.

use clap::ValueEnum;
use serde::Serialize;

use super::{print, yaml};
use crate::failure::Failure;

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
}

/// Prints `data` as JSON or YAML, or what `table` makes of it.
pub fn value<T: Serialize>(format: Format, data: &T, table: impl FnOnce(&T) -> String) -> Result<(), Failure> {
    let text = match format {
        Format::Table => table(data),
        Format::Json => serde_json::to_string_pretty(data).map_err(unprintable)?,
        Format::Yaml => yaml::to_text(&serde_json::to_value(data).map_err(unprintable)?),
    };
    if text.is_empty() { Ok(()) } else { print::line(text.trim_end_matches('\n')) }
}

fn unprintable(error: serde_json::Error) -> Failure {
    Failure::broken(format!("cannot print the answer: {error}"))
}
