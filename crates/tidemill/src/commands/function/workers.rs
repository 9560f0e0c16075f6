//! `tidemill function workers`.

use clap::Args;
use tidemill_api::WorkerList;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Column, Table},
};

/// Lists the workers of a function.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill function workers hello
  tidemill function workers hello -o json")]
pub struct Workers {
    /// The function
    name: String,
}

impl Workers {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let workers = context.client()?.workers(&self.name).await.map_err(explain)?;
        output::value(context.format, &workers, table)
    }
}

fn table(list: &WorkerList) -> String {
    let columns = [
        Column::text("WORKER"),
        Column::text("STATUS"),
        Column::number("REVISION"),
        Column::text("STARTED"),
        Column::text("LAST CALL"),
        Column::flexible("WHERE"),
    ];
    let mut table = Table::new(&columns, "it has no workers now; they start when they are needed");
    for worker in &list.workers {
        let instance: String = worker.instance.chars().take(12).collect();
        let place = [worker.driver.as_str(), worker.image.as_str(), instance.as_str()];
        table.row([
            worker.id.clone(),
            output::status(&worker.status),
            worker.revision.to_string(),
            output::since(worker.started_at),
            worker.last_call_at.map(output::since).unwrap_or_default(),
            place.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "),
        ]);
    }
    table.render()
}
