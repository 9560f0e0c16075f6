//! `tidemill nonce list`.

use clap::Args;
use tidemill_api::NonceList;

use super::kind;
use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Column, Table},
};

/// Lists the nonces of a function or an alias.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
#[command(after_help = "\
Examples:
  tidemill nonce list hello
  tidemill nonce list shop --alias")]
pub struct List {
    /// The function or alias
    name: String,
    /// NAME is an alias
    #[arg(long)]
    alias: bool,
}

impl List {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let nonces = context.client()?.nonces(kind(self.alias), &self.name).await.map_err(explain)?;
        output::value(context.format, &nonces, table)
    }
}

fn table(list: &NonceList) -> String {
    let columns = [
        Column::text("NONCE"),
        Column::text("LEVEL"),
        Column::text("USED"),
        Column::text("OWNER"),
        Column::text("LAST USED"),
        Column::flexible("DESCRIPTION"),
    ];
    let mut table = Table::new(&columns, "there are no nonces");
    for nonce in &list.nonces {
        let used = nonce.uses_max.map_or_else(|| nonce.uses.to_string(), |max| format!("{} of {max}", nonce.uses));
        table.row([
            nonce.id.clone(),
            nonce.level.clone(),
            used,
            nonce.owner.clone(),
            nonce.last_used_at.map(output::since).unwrap_or_default(),
            nonce.description.clone(),
        ]);
    }
    table.render()
}
