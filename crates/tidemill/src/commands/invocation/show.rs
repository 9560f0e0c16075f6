//! `tidemill invocation show`.

use clap::Args;
use serde::Serialize;
use tidemill_api::{Attempt, Invocation, InvocationDetail, LogLine, RunReport};
use tidemill_core::InvocationId;

use super::{response::Response, split};
use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Column, Table},
};

/// Shows an invocation: where it stands, its response, where its time went, its attempts, the end of its log.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill invocation show 01939f3c-7c1e-7000-8000-000000000001
  tidemill invocation show ID --logs 200
  tidemill invocation show ID -o json")]
pub struct Show {
    /// The invocation
    id: InvocationId,
    /// How many of its last log lines to show
    #[arg(long, value_name = "LINES", default_value_t = 20)]
    logs: u32,
}

#[derive(Serialize)]
struct View {
    #[serde(flatten)]
    detail: InvocationDetail,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
    logs: Vec<LogLine>,
}

impl Show {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let detail = client.invocation(self.id).await.map_err(explain)?;
        let logs = match self.logs {
            0 => Vec::new(),
            limit => {
                let mut logged = client.invocation_logs(self.id, limit).await.map_err(explain)?;
                logged.lines.append(&mut logged.live);
                logged.lines
            }
        };
        let response = match detail.invocation.finished_at.and(detail.invocation.response_status) {
            // Retention may have taken it meanwhile.
            Some(_) => client.result(self.id).await.ok().map(Response::from),
            None => None,
        };
        output::value(context.format, &View { detail, response, logs }, text)
    }
}

/// The attempt that runs: its number and since when.
fn running(invocation: &Invocation) -> String {
    match invocation.started_at {
        Some(started) if invocation.status == "running" => {
            format!("{} runs, started {}", invocation.attempts, output::since(started))
        }
        _ => String::new(),
    }
}

/// What the last attempt used.
fn used(report: &RunReport) -> String {
    let exit = report.exit_code.map(|code| format!("exit code {code}"));
    let memory = Some(report.memory_bytes_max).filter(|bytes| *bytes > 0);
    let parts = [
        exit,
        Some(report.run_us).filter(|us| *us > 0).map(|us| format!("ran {}", output::micros(us))),
        Some(report.cpu_us).filter(|us| *us > 0).map(|us| format!("{} of cpu", output::micros(us))),
        memory.map(|bytes| format!("{} of memory", output::bytes(bytes))),
        Some(report.io_bytes).filter(|bytes| *bytes > 0).map(|bytes| format!("{} read", output::bytes(bytes))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn text(view: &View) -> String {
    let invocation = &view.detail.invocation;
    let event = &invocation.event;
    let summary = output::pairs(&[
        ("invocation", invocation.id.to_string()),
        ("function", invocation.function.clone()),
        ("status", output::status(&invocation.status)),
        ("reason", invocation.reason.clone()),
        ("attempt", running(invocation)),
        ("response", view.response.as_ref().map(Response::summary).unwrap_or_default()),
        ("received", output::local_time(invocation.received_at)),
        ("started", invocation.started_at.map(output::local_time).unwrap_or_default()),
        ("finished", invocation.finished_at.map(output::local_time).unwrap_or_default()),
        (
            "next attempt",
            if invocation.status == "queued" { output::local_time(invocation.available_at) } else { String::new() },
        ),
        ("trigger", format!("{} ({})", event.trigger_name, event.trigger_kind)),
        (
            "event",
            format!("{} {}, {} {}", event.method, event.path, output::bytes(invocation.event_size), event.content_type),
        ),
        ("caller", event.caller.clone()),
        ("used", view.detail.attempt_list.last().and_then(|last| last.report.as_ref()).map(used).unwrap_or_default()),
        ("type", event.kind.clone()),
        ("source", event.source.clone()),
        ("key", invocation.key.clone().unwrap_or_default()),
        ("parent", invocation.parent.map(|id| id.to_string()).unwrap_or_default()),
    ]);
    let mut blocks = vec![summary];
    blocks.extend(view.response.as_ref().and_then(Response::block));
    if invocation.finished_at.is_some() {
        blocks.push(split::picture(&invocation.timings));
    }
    if !view.detail.attempt_list.is_empty() {
        blocks.push(attempts(&view.detail.attempt_list));
    }
    if !view.logs.is_empty() {
        let lines = view.logs.iter().map(output::own_log_line).collect::<Vec<_>>().join("\n");
        blocks.push(format!("{}\n{lines}", console::style("LOG").dim()));
    }
    blocks.join("\n\n")
}

fn attempts(attempts: &[Attempt]) -> String {
    let columns = [
        Column::number("ATTEMPT"),
        Column::text("STARTED"),
        Column::number("TOOK"),
        Column::text("REVISION"),
        Column::text("WORKER"),
        Column::text("OUTCOME"),
        Column::flexible("REASON"),
    ];
    let mut table = Table::new(&columns, "");
    for attempt in attempts {
        let took = attempt.finished_at.0.since(attempt.started_at.0);
        table.row([
            attempt.number.to_string(),
            output::local_time(attempt.started_at),
            output::duration(took),
            attempt.revision.map(|revision| revision.to_string()).unwrap_or_default(),
            attempt.worker.clone(),
            attempt.outcome.clone(),
            attempt.reason.clone(),
        ]);
    }
    table.render()
}
