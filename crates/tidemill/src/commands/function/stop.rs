//! `tidemill function stop-worker`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Stops a worker of a function: it finishes its calls and takes no more.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill function stop-worker hello node-0123456789ab-w-7")]
pub struct StopWorker {
    /// The function
    name: String,
    /// The worker
    worker: String,
}

impl StopWorker {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        context.client()?.stop_worker(&self.name, &self.worker).await.map_err(explain)?;
        output::line(format!("{} stops when its calls have ended", self.worker))
    }
}
