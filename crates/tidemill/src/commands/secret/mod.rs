//! `tidemill secret`.

mod delete;
mod list;
mod set;

use clap::Subcommand;

use crate::{context::Context, failure::Failure};

/// Gives functions secrets and other values.
#[derive(Debug, Subcommand)]
pub enum Secret {
    List(list::List),
    Set(set::Set),
    Delete(delete::Delete),
}

impl Secret {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        match self {
            Secret::List(list) => list.run(context).await,
            Secret::Set(set) => set.run(context).await,
            Secret::Delete(delete) => delete.run(context).await,
        }
    }
}
