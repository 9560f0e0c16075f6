//! `tidemill state`.

mod delete;
mod get;
mod list;
mod set;

use clap::Subcommand;

use crate::{context::Context, failure::Failure};

/// Shows and changes the durable state of functions.
#[derive(Debug, Subcommand)]
pub enum State {
    Get(get::Get),
    Set(set::Set),
    Delete(delete::Delete),
    List(list::List),
}

impl State {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        match self {
            State::Get(get) => get.run(context).await,
            State::Set(set) => set.run(context).await,
            State::Delete(delete) => delete.run(context).await,
            State::List(list) => list.run(context).await,
        }
    }
}
