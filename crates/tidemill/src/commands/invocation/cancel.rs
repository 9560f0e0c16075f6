//! `tidemill invocation cancel`.

use clap::Args;
use tidemill_core::InvocationId;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Cancels invocations that wait or run.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill invocation cancel 01939f3c-7c1e-7000-8000-000000000001")]
pub struct Cancel {
    /// The invocations
    #[arg(value_name = "ID", required = true)]
    ids: Vec<InvocationId>,
}

impl Cancel {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        for id in self.ids {
            let cancelled = client.cancel(id).await.map_err(explain)?;
            output::line(match cancelled.result.as_str() {
                "requested" => format!("{id} runs; it is being ended"),
                _ => format!("{id} is cancelled"),
            })?;
        }
        Ok(())
    }
}
