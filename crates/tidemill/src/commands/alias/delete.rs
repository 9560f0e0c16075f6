//! `tidemill alias delete`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Deletes an alias with its grants and nonces. Its function stays.
#[derive(Debug, Args)]
#[command(visible_alias = "rm")]
#[command(after_help = "\
Examples:
  tidemill alias delete shop")]
pub struct Delete {
    /// The alias
    name: String,
}

impl Delete {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        context.client()?.delete_alias(&self.name).await.map_err(explain)?;
        output::line(format!("{} is deleted", self.name))
    }
}
