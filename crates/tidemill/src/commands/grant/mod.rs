//! `tidemill grant`.

mod list;
mod set;

use clap::{Args, Subcommand};
use tidemill_api::Grants;
use tidemill_client::Kind;

use crate::{
    context::Context,
    failure::Failure,
    output::{Column, Table},
};

/// Says who may do what with functions, aliases and secrets.
#[derive(Debug, Subcommand)]
pub enum Grant {
    List(list::List),
    Set(set::Set),
}

impl Grant {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        match self {
            Grant::List(list) => list.run(context).await,
            Grant::Set(set) => set.run(context).await,
        }
    }
}

/// What is meant by a name.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(multiple = false)]
pub struct Of {
    /// NAME is an alias
    #[arg(long)]
    alias: bool,
    /// NAME is a secret or another value for functions
    #[arg(long)]
    secret: bool,
}

impl Of {
    fn kind(self) -> Kind {
        match (self.alias, self.secret) {
            (true, _) => Kind::Alias,
            (_, true) => Kind::Config,
            _ => Kind::Function,
        }
    }
}

fn table(grants: &Grants) -> String {
    let columns = [Column::text("USER"), Column::text("LEVEL")];
    let mut table = Table::new(&columns, "nobody but administrators may do anything with it");
    for (user, level) in &grants.grants {
        table.row([user.clone(), level.clone()]);
    }
    table.render()
}
