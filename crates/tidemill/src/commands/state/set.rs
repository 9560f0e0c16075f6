//! `tidemill state set`.

use clap::Args;
use tidemill_api::StateVersion;

use crate::{
    body,
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Replaces the state of a function.
///
/// An execution that runs meanwhile and changes the state has the last word.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill state set counter --data '{\"count\": 0}'
  tidemill state set cart --key ann --data @cart.json --if-version 7")]
pub struct Set {
    /// The function
    function: String,
    /// The key, for a function with a state for each key
    #[arg(long, default_value = "", hide_default_value = true)]
    key: String,
    /// The new state, JSON: a text, @FILE, or - for standard input
    #[arg(long, short)]
    data: String,
    /// Only if the state has this version; 0 is none
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
}

impl Set {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let value = body::read(Some(&self.data))?;
        let put = context.client()?.put_state(&self.function, &self.key, value, self.if_version).await;
        let version = StateVersion { version: put.map_err(explain)? };
        output::value(context.format, &version, |version| format!("version {}", version.version))
    }
}
