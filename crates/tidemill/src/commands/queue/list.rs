//! `tidemill queue list`.

use clap::Args;
use tidemill_api::QueueList;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Column, Table},
};

/// Lists the queues of the project's functions.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
#[command(after_help = "\
Examples:
  tidemill queue list
  tidemill queue list -o json | jq '.queues[] | select(.dead_lettered > 0)'")]
pub struct List {}

impl List {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let queues = context.client()?.queues().await.map_err(explain)?;
        output::value(context.format, &queues, table)
    }
}

fn table(list: &QueueList) -> String {
    let columns = [
        Column::text("FUNCTION"),
        Column::number("QUEUED"),
        Column::number("RUNNING"),
        Column::number("DEAD-LETTERED"),
        Column::text("OLDEST WAITS SINCE"),
    ];
    let mut table = Table::new(&columns, "there are no queues, because there are no functions");
    for queue in &list.queues {
        table.row([
            queue.function.clone(),
            queue.queued.to_string(),
            queue.running.to_string(),
            queue.dead_lettered.to_string(),
            queue.oldest.map(output::since).unwrap_or_default(),
        ]);
    }
    table.render()
}
