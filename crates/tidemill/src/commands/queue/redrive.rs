//! `tidemill queue redrive`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Queues again what a function gave up on, oldest first, with its failures forgotten.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill queue redrive thumbnail
  tidemill queue redrive thumbnail --limit 1     try one first")]
pub struct Redrive {
    /// The function
    name: String,
    /// At most so many
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl Redrive {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let count = context.client()?.redrive(&self.name, self.limit).await.map_err(explain)?.count;
        output::line(format!("{} queued again", output::counted(count, "invocation")))
    }
}
