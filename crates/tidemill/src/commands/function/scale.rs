//! `tidemill function scale`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Sees to it that a function has at least so many workers now.
///
/// They start in the background. Those that are idle end after the function's idle timeout as usual.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill function scale hello 3")]
pub struct Scale {
    /// The function
    name: String,
    /// At least so many
    count: u32,
}

impl Scale {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let ensured = context.client()?.ensure_workers(&self.name, self.count).await.map_err(explain)?;
        output::value(context.format, &ensured, |ensured| {
            let started = output::counted(u64::from(ensured.started), "worker");
            format!("{started} started beside {}", ensured.before)
        })
    }
}
