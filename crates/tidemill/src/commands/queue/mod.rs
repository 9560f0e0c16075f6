//! `tidemill queue`.

mod list;
mod purge;
mod redrive;
mod show;

use clap::Subcommand;

use crate::{context::Context, failure::Failure};

/// Lists queues and works on what was given up.
#[derive(Debug, Subcommand)]
pub enum Queue {
    List(list::List),
    Show(show::Show),
    Redrive(redrive::Redrive),
    Purge(purge::Purge),
}

impl Queue {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        match self {
            Queue::List(list) => list.run(context).await,
            Queue::Show(show) => show.run(context).await,
            Queue::Redrive(redrive) => redrive.run(context).await,
            Queue::Purge(purge) => purge.run(context).await,
        }
    }
}
