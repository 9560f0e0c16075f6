//! `tidemill state get`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Prints the state of a function as JSON.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill state get counter
  tidemill state get cart --key ann
  tidemill state get cart --key ann -o json     with its version and time")]
pub struct Get {
    /// The function
    function: String,
    /// The key, for a function with a state for each key
    #[arg(long, default_value = "", hide_default_value = true)]
    key: String,
}

impl Get {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let state = context.client()?.state(&self.function, &self.key).await.map_err(explain)?;
        output::value(context.format, &state, |state| format!("{:#}", state.value))
    }
}
