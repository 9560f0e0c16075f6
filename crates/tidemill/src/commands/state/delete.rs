//! `tidemill state delete`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Deletes the state of a function.
#[derive(Debug, Args)]
#[command(visible_alias = "rm")]
#[command(after_help = "\
Examples:
  tidemill state delete counter
  tidemill state delete cart --key ann --if-version 7")]
pub struct Delete {
    /// The function
    function: String,
    /// The key, for a function with a state for each key
    #[arg(long, default_value = "", hide_default_value = true)]
    key: String,
    /// Only if the state has this version
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(u64).range(1..))]
    if_version: Option<u64>,
}

impl Delete {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        client.delete_state(&self.function, &self.key, self.if_version).await.map_err(explain)?;
        output::line(format!("the state of {} is deleted", self.function))
    }
}
