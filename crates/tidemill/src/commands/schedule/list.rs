//! `tidemill schedule list`.

use clap::Args;
use tidemill_api::ScheduleList;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Column, Table},
};

/// Lists schedules, the next run first.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
#[command(after_help = "\
Examples:
  tidemill schedule list
  tidemill schedule list -o json")]
pub struct List {}

impl List {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let schedules = context.client()?.schedules().await.map_err(explain)?;
        output::value(context.format, &schedules, table)
    }
}

fn table(list: &ScheduleList) -> String {
    let columns = [
        Column::text("FUNCTION"),
        Column::text("TRIGGER"),
        Column::flexible("SCHEDULE"),
        Column::text("TIME ZONE"),
        Column::text("NEXT RUN"),
        Column::text(""),
        Column::text("LAST RUN"),
    ];
    let empty =
        "there are no schedules; a function gets one with: tidemill deploy PATH --event timer --frequency MINUTES";
    let mut table = Table::new(&columns, empty);
    for schedule in &list.schedules {
        table.row([
            schedule.function.clone(),
            schedule.trigger.clone(),
            schedule.schedule.clone(),
            schedule.time_zone.clone(),
            output::local_time(schedule.next_at),
            output::since(schedule.next_at),
            schedule.last_at.map(output::since).unwrap_or_default(),
        ]);
    }
    table.render()
}
