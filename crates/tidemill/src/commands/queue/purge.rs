//! `tidemill queue purge`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Deletes what a function gave up on or, with --queued, what waits.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill queue purge thumbnail
  tidemill queue purge thumbnail --queued

What is purged is gone.")]
pub struct Purge {
    /// The function
    name: String,
    /// Delete what waits instead of what was given up
    #[arg(long)]
    queued: bool,
    /// At most so many, oldest first
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl Purge {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let count = context.client()?.purge(&self.name, self.queued, self.limit).await.map_err(explain)?.count;
        output::line(format!("{} deleted", output::counted(count, "invocation")))
    }
}
