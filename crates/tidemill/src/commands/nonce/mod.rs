//! `tidemill nonce`.

mod create;
mod delete;
mod list;

use clap::Subcommand;
use tidemill_client::Kind;

use crate::{context::Context, failure::Failure};

/// Lets callers without a token use one function or alias.
#[derive(Debug, Subcommand)]
pub enum Nonce {
    List(list::List),
    Create(create::Create),
    Delete(delete::Delete),
}

impl Nonce {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        match self {
            Nonce::List(list) => list.run(context).await,
            Nonce::Create(create) => create.run(context).await,
            Nonce::Delete(delete) => delete.run(context).await,
        }
    }
}

/// What a name is of.
fn kind(is_alias: bool) -> Kind {
    if is_alias { Kind::Alias } else { Kind::Function }
}
