//! `tidemill queue show`.

use clap::Args;
use tidemill_api::Queue;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Shows the queue of a function.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill queue show thumbnail

What was given up: tidemill invocation list --function thumbnail --status dead_lettered")]
pub struct Show {
    /// The function
    name: String,
}

impl Show {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let queue = context.client()?.queue(&self.name).await.map_err(explain)?;
        output::value(context.format, &queue, text)
    }
}

fn text(queue: &Queue) -> String {
    output::pairs(&[
        ("function", queue.function.clone()),
        ("queued", queue.queued.to_string()),
        ("running", queue.running.to_string()),
        ("dead-lettered", queue.dead_lettered.to_string()),
        ("oldest waits since", queue.oldest.map(output::local_time).unwrap_or_default()),
    ])
}
