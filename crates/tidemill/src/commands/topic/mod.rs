//! `tidemill topic`.

mod list;
mod publish;

use clap::Subcommand;

use crate::{context::Context, failure::Failure};

/// Lists topics and publishes to them.
#[derive(Debug, Subcommand)]
pub enum Topic {
    List(list::List),
    Publish(publish::Publish),
}

impl Topic {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        match self {
            Topic::List(list) => list.run(context).await,
            Topic::Publish(publish) => publish.run(context).await,
        }
    }
}
