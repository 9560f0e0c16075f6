//! `tidemill secret delete`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Deletes a secret or another value. Functions no longer get it.
#[derive(Debug, Args)]
#[command(visible_alias = "rm")]
#[command(after_help = "\
Examples:
  tidemill secret delete db-password")]
pub struct Delete {
    /// Its name
    name: String,
}

impl Delete {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        context.client()?.delete_config(&self.name).await.map_err(explain)?;
        output::line(format!("{} is deleted", self.name))
    }
}
