//! `tidemill function resume`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Runs events of a paused function again.
///
/// What waited in its queue runs now.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill function resume hello")]
pub struct Resume {
    /// The function
    name: String,
}

impl Resume {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        context.client()?.resume(&self.name).await.map_err(explain)?;
        output::line(format!("{} runs again", self.name))
    }
}
