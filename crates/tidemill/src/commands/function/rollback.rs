//! `tidemill function rollback`.

use clap::Args;

use super::super::deploy;
use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Goes back to an earlier revision.
///
/// The revision is started and switched to when it is ready, as in a deployment. Revisions are kept, so a later one can be gone
/// back to as well.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill function rollback hello          to the revision before the active one
  tidemill function rollback hello --to 3")]
pub struct Rollback {
    /// The function
    name: String,
    /// The revision to go to [default: the one before the active one]
    #[arg(long, value_name = "REVISION")]
    to: Option<u32>,
}

impl Rollback {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let deployed = context.client()?.rollback(&self.name, self.to).await.map_err(explain)?;
        let base = context.url();
        output::value(context.format, &deployed, |deployed| deploy::text(deployed, &base))
    }
}
