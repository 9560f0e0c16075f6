//! `tidemill function list`.

use clap::Args;
use tidemill_api::FunctionList;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Column, Table},
};

/// Lists the functions of the project.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
#[command(after_help = "\
Examples:
  tidemill function list
  tidemill function list -o json | jq -r '.functions[].name'")]
pub struct List {}

impl List {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let functions = context.client()?.functions().await.map_err(explain)?;
        output::value(context.format, &functions, table)
    }
}

fn table(list: &FunctionList) -> String {
    let columns = [
        Column::text("NAME"),
        Column::number("REVISION"),
        Column::text("STATE"),
        Column::text("RUNTIME"),
        Column::number("WORKERS"),
        Column::number("QUEUED"),
        Column::flexible("REACHED"),
        Column::text("CHANGED"),
    ];
    let mut table = Table::new(&columns, "there are no functions; deploy one with: tidemill deploy PATH");
    for function in &list.functions {
        let reached = output::reached(&function.spec, &function.addresses, "").join(", ");
        table.row([
            function.name.clone(),
            function.revision.to_string(),
            output::status(state(function)),
            function.spec.runtime.clone(),
            format!("{}/{}", function.workers.ready, function.workers.max),
            function.queued.to_string(),
            reached,
            output::since(function.updated_at),
        ]);
    }
    table.render()
}

/// The state as shown: a function whose workers do not start is in error.
fn state(function: &tidemill_api::Function) -> &str {
    if function.problem.is_some() { "error" } else { &function.state }
}
