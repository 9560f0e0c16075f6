//! `tidemill invocation retry`.

use clap::Args;
use tidemill_core::InvocationId;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Queues finished invocations again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill invocation retry 01939f3c-7c1e-7000-8000-000000000001

To queue all that a function gave up on: tidemill queue redrive NAME")]
pub struct Retry {
    /// The invocations
    #[arg(value_name = "ID", required = true)]
    ids: Vec<InvocationId>,
}

impl Retry {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        for id in self.ids {
            client.retry(id).await.map_err(explain)?;
            output::line(format!("{id} is queued again"))?;
        }
        Ok(())
    }
}
