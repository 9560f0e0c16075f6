//! `tidemill function delete`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Deletes functions with their revisions, queues, invocations and logs.
#[derive(Debug, Args)]
#[command(visible_alias = "rm")]
#[command(after_help = "\
Examples:
  tidemill function delete hello
  tidemill function delete hello goodbye

What waits in the queue of a deleted function is gone. To stop a function and keep its events, pause it.")]
pub struct Delete {
    /// The functions
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

impl Delete {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        for name in &self.names {
            client.delete(name).await.map_err(explain)?;
            output::line(format!("{name} is deleted"))?;
        }
        Ok(())
    }
}
