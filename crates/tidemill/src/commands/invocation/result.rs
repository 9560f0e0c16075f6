//! `tidemill invocation result`.

use std::time::Duration;

use clap::Args;
use tidemill_core::InvocationId;

use crate::{
    context::{Context, explain},
    failure::Failure,
    moment,
    output,
};

/// Prints the response of an invocation, as the function gave it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill invocation result 01939f3c-7c1e-7000-8000-000000000001 > thumbnail.jpg
  tidemill invocation result ID --wait 30s")]
pub struct Result {
    /// The invocation
    id: InvocationId,
    /// Wait this long for it to end
    #[arg(long, value_name = "DURATION", value_parser = moment::duration)]
    wait: Option<Duration>,
}

impl Result {
    pub async fn run(self, context: Context) -> std::result::Result<(), Failure> {
        let client = context.client()?;
        if let Some(wait) = self.wait {
            client.wait(self.id, wait).await.map_err(explain)?;
        }
        let reply = client.result(self.id).await.map_err(explain)?;
        output::raw(&reply.body)
    }
}
