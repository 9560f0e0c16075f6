//! `tidemill invocation`.

mod cancel;
mod list;
mod response;
mod result;
mod retry;
mod show;
mod split;

use clap::Subcommand;

use crate::{context::Context, failure::Failure};

/// Lists, shows and changes invocations.
#[derive(Debug, Subcommand)]
pub enum Invocation {
    List(list::List),
    Show(show::Show),
    Result(result::Result),
    Cancel(cancel::Cancel),
    Retry(retry::Retry),
}

impl Invocation {
    pub async fn run(self, context: Context) -> std::result::Result<(), Failure> {
        match self {
            Invocation::List(list) => list.run(context).await,
            Invocation::Show(show) => show.run(context).await,
            Invocation::Result(result) => result.run(context).await,
            Invocation::Cancel(cancel) => cancel.run(context).await,
            Invocation::Retry(retry) => retry.run(context).await,
        }
    }
}
