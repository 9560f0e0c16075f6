//! `tidemill invocation list`.

use clap::{Args, ValueEnum};
use tidemill_api::InvocationPage;
use tidemill_client::InvocationQuery;
use tidemill_core::{InvocationId, Timestamp};

use crate::{
    context::{Context, explain},
    failure::Failure,
    moment,
    output::{self, Column, Table},
};

/// Lists invocations, newest first.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
#[command(after_help = "\
Examples:
  tidemill invocation list
  tidemill invocation list --function thumbnail --status dead_lettered
  tidemill invocation list --since 10m --limit 100
  tidemill invocation list --since 2026-11-22T08:00:00Z --until 2026-11-22T09:00:00Z -o json

A time is RFC 3339, or how long ago: 90s, 10m, 2h, 7d.")]
pub struct List {
    /// Of this function only
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// In this status only
    #[arg(long, value_name = "STATUS")]
    status: Option<Status>,
    /// Received at or after this time
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    since: Option<Timestamp>,
    /// Received before this time
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    until: Option<Timestamp>,
    /// Older than this invocation: the next page
    #[arg(long, value_name = "ID")]
    before: Option<InvocationId>,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// The statuses, as flags know them.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Status {
    Queued,
    Running,
    Succeeded,
    Failed,
    DeadLettered,
    Cancelled,
}

impl From<Status> for tidemill_core::invocation::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => Self::Queued,
            Status::Running => Self::Running,
            Status::Succeeded => Self::Succeeded,
            Status::Failed => Self::Failed,
            Status::DeadLettered => Self::DeadLettered,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

impl List {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let page = context.client()?.invocations(&self.query()).await.map_err(explain)?;
        output::value(context.format, &page, table)
    }
}

impl List {
    fn query(&self) -> InvocationQuery {
        InvocationQuery {
            function: self.function.clone(),
            status: self.status.map(|status| tidemill_core::invocation::Status::from(status).as_str().to_owned()),
            since: self.since,
            until: self.until,
            before: self.before,
            limit: Some(self.limit),
        }
    }
}

fn table(page: &InvocationPage) -> String {
    let columns = [
        Column::text("ID"),
        Column::text("FUNCTION"),
        Column::text("STATUS"),
        Column::number("RESPONSE"),
        Column::text("RECEIVED"),
        Column::number("TOOK"),
        Column::number("ATTEMPTS"),
        Column::flexible("REASON"),
    ];
    let mut table = Table::new(&columns, "there are no such invocations");
    for invocation in &page.invocations {
        let has_ended = invocation.finished_at.is_some();
        table.row([
            invocation.id.to_string(),
            invocation.function.clone(),
            output::status(&invocation.status),
            invocation.response_status.map(|status| status.to_string()).unwrap_or_default(),
            output::since(invocation.received_at),
            if has_ended { output::micros(invocation.timings.total_us) } else { String::new() },
            invocation.attempts.to_string(),
            invocation.reason.clone(),
        ]);
    }
    match page.next {
        Some(next) => format!("{}\nolder ones: --before {next}", table.render()),
        None => table.render(),
    }
}
