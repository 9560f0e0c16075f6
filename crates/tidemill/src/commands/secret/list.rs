//! `tidemill secret list`.

use clap::Args;
use tidemill_api::ConfigList;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Column, Table},
};

/// Lists secrets and other values for functions. What is secret is not shown.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
#[command(after_help = "\
Examples:
  tidemill secret list")]
pub struct List {}

impl List {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let configs = context.client()?.configs().await.map_err(explain)?;
        output::value(context.format, &configs, table)
    }
}

fn table(list: &ConfigList) -> String {
    let columns = [
        Column::text("NAME"),
        Column::flexible("VALUE"),
        Column::text("FUNCTIONS"),
        Column::text("OWNER"),
        Column::text("CHANGED"),
    ];
    let mut table =
        Table::new(&columns, "there are no secrets; make one with: tidemill secret set NAME --for FUNCTION");
    for config in &list.configs {
        table.row([
            config.name.clone(),
            config.value.clone().unwrap_or_else(|| "(secret)".to_owned()),
            config.functions.join(", "),
            config.owner.clone(),
            output::since(config.updated_at),
        ]);
    }
    table.render()
}
