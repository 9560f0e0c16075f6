//! `tidemill function pause`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Stops running events of a function.
///
/// Its queue keeps accepting; synchronous calls are refused until it is resumed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill function pause hello")]
pub struct Pause {
    /// The function
    name: String,
}

impl Pause {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        context.client()?.pause(&self.name).await.map_err(explain)?;
        output::line(format!("{} is paused", self.name))
    }
}
