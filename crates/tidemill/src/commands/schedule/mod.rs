//! `tidemill schedule`.

mod list;

use clap::Subcommand;

use crate::{context::Context, failure::Failure};

/// Lists schedules.
#[derive(Debug, Subcommand)]
pub enum Schedule {
    List(list::List),
}

impl Schedule {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        match self {
            Schedule::List(list) => list.run(context).await,
        }
    }
}
