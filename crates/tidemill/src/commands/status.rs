//! `tidemill status`.

use clap::Args;
use tidemill_api::Status as View;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Shows how the server is doing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill status
  tidemill status -o json
  tidemill status --url http://127.0.0.1:8080")]
pub struct Status {}

impl Status {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let status = context.client()?.status().await.map_err(explain)?;
        let base = context.url();
        output::value(context.format, &status, |status| text(status, &base))
    }
}

fn text(status: &View, base: &str) -> String {
    let (server, workers, queues) = (&status.server, &status.workers, &status.queues);
    let store = match &status.store.reason {
        Some(reason) if !status.store.ok => format!("{}: {reason}", output::status("error")),
        _ => output::status("ok"),
    };
    let runtimes = server.runtimes.iter().map(|runtime| {
        let parts = [runtime.name.as_str(), runtime.version.as_str(), runtime.program.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    });
    let drivers = status.drivers.iter().map(|driver| match &driver.problem {
        None => [driver.name.as_str(), driver.detail.as_str()].join(" ").trim_end().to_owned(),
        Some(problem) => format!("{} {}", driver.name, problem.replace("\nhint: ", "\n  hint: ")),
    });
    output::pairs(&[
        ("server", base.to_owned()),
        ("version", server.version.clone()),
        ("node", server.node.clone()),
        ("state", output::status(if status.ready { "ready" } else { "starting" })),
        ("up for", output::micros(status.uptime_seconds.saturating_mul(1_000_000))),
        ("data", server.data.clone()),
        ("store", store),
        ("functions", status.functions.to_string()),
        (
            "workers",
            format!(
                "{} ready, {} starting, {} running, {} waiting",
                workers.ready,
                workers.starting,
                output::counted(workers.busy_slots, "call"),
                workers.waiting
            ),
        ),
        (
            "queues",
            format!("{} queued, {} running, {} dead-lettered", queues.queued, queues.running, queues.dead_lettered),
        ),
        ("runtimes", runtimes.collect::<Vec<_>>().join("\n")),
        ("drivers", drivers.collect::<Vec<_>>().join("\n")),
        ("notes", server.notes.join("\n")),
    ])
}
