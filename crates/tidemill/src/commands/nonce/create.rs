//! `tidemill nonce create`.

use clap::Args;
use tidemill_api::NewNonce;

use super::kind;
use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Makes a nonce: whoever shows it acts on this one function as you do now.
///
/// It is shown as the query parameter or header `x-nonce`. A nonce of an alias follows the alias to whatever function that
/// names.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill nonce create hello
  tidemill nonce create hello --uses 1 --description 'for the demo'
  curl \"http://127.0.0.1:7070/f/hello?x-nonce=$(tidemill nonce create hello)\"")]
pub struct Create {
    /// The function or alias
    name: String,
    /// NAME is an alias
    #[arg(long)]
    alias: bool,
    /// The most that it allows: NONE, READ, EXECUTE or UPDATE
    #[arg(long, ignore_case = true, default_value = "EXECUTE")]
    #[arg(value_parser = ["NONE", "READ", "EXECUTE", "UPDATE"], hide_possible_values = true)]
    level: String,
    /// How often it may be used [default: without a limit]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    uses: Option<u64>,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,
}

impl Create {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let new = NewNonce { level: Some(self.level), uses_max: self.uses, description: self.description };
        let nonce = context.client()?.create_nonce(kind(self.alias), &self.name, &new).await.map_err(explain)?;
        output::value(context.format, &nonce, |nonce| nonce.id.clone())
    }
}
