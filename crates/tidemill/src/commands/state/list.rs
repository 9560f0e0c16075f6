//! `tidemill state list`.

use clap::Args;
use tidemill_api::StateList;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Column, Table},
};

/// Lists the keys of a function that have state.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
#[command(after_help = "\
Examples:
  tidemill state list cart
  tidemill state list cart --after ann --limit 1000")]
pub struct List {
    /// The function
    function: String,
    /// The keys after this one
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

impl List {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let states = client.states(&self.function, self.after.as_deref(), self.limit).await.map_err(explain)?;
        output::value(context.format, &states, table)?;
        if let Some(next) = &states.next {
            output::note(format!("there are more: --after {next}"));
        }
        Ok(())
    }
}

fn table(list: &StateList) -> String {
    let columns = [Column::flexible("KEY"), Column::number("VERSION"), Column::text("CHANGED")];
    let mut table = Table::new(&columns, "nothing is stored yet");
    for state in &list.states {
        table.row([state.key.clone(), state.version.to_string(), output::since(state.updated_at)]);
    }
    table.render()
}
