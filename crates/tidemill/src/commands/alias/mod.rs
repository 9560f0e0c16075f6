//! `tidemill alias`.

mod create;
mod delete;
mod list;
mod point;

use clap::Subcommand;

use crate::{context::Context, failure::Failure};

/// Gives functions further names.
#[derive(Debug, Subcommand)]
pub enum Alias {
    List(list::List),
    Create(create::Create),
    Point(point::Point),
    Delete(delete::Delete),
}

impl Alias {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        match self {
            Alias::List(list) => list.run(context).await,
            Alias::Create(create) => create.run(context).await,
            Alias::Point(point) => point.run(context).await,
            Alias::Delete(delete) => delete.run(context).await,
        }
    }
}
