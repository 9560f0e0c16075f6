//! `tidemill nonce delete`.

use clap::Args;

use super::kind;
use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Deletes a nonce: it lets nobody in any more.
#[derive(Debug, Args)]
#[command(visible_alias = "rm")]
#[command(after_help = "\
Examples:
  tidemill nonce delete hello default_0123456789abc")]
pub struct Delete {
    /// The function or alias
    name: String,
    /// The nonce
    nonce: String,
    /// NAME is an alias
    #[arg(long)]
    alias: bool,
}

impl Delete {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        client.delete_nonce(kind(self.alias), &self.name, &self.nonce).await.map_err(explain)?;
        output::line(format!("{} is deleted", self.nonce))
    }
}
