//! `tidemill alias point`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Lets an alias name another function.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill alias point shop shop-v3")]
pub struct Point {
    /// The alias
    name: String,
    /// The function
    function: String,
}

impl Point {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let alias = context.client()?.point_alias(&self.name, &self.function).await.map_err(explain)?;
        output::value(context.format, &alias, |alias| format!("{} names {}", alias.name, alias.function))
    }
}
