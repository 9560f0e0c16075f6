//! `tidemill alias list`.

use clap::Args;
use tidemill_api::AliasList;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Column, Table},
};

/// Lists the aliases of the project.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
#[command(after_help = "\
Examples:
  tidemill alias list")]
pub struct List {}

impl List {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let aliases = context.client()?.aliases().await.map_err(explain)?;
        output::value(context.format, &aliases, table)
    }
}

fn table(list: &AliasList) -> String {
    let columns = [Column::text("ALIAS"), Column::text("FUNCTION"), Column::text("OWNER"), Column::text("MADE")];
    let mut table = Table::new(&columns, "there are no aliases; make one with: tidemill alias create NAME FUNCTION");
    for alias in &list.aliases {
        let made = output::since(alias.created_at);
        table.row([alias.name.clone(), alias.function.clone(), alias.owner.clone(), made]);
    }
    table.render()
}
