//! `tidemill function show`.

use clap::Args;
use serde::Serialize;
use tidemill_api::{Function, Revision};

use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Column, Table},
};

/// Shows a function: settings, workers, how it is reached, revisions.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill function show hello
  tidemill function show hello -o yaml")]
pub struct Show {
    /// The function
    name: String,
}

#[derive(Serialize)]
struct View {
    #[serde(flatten)]
    function: Function,
    revisions: Vec<Revision>,
}

impl Show {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let function = client.function(&self.name).await.map_err(explain)?;
        let revisions = client.revisions(&self.name).await.map_err(explain)?.revisions;
        let base = context.url();
        output::value(context.format, &View { function, revisions }, |view| text(view, &base))
    }
}

fn text(view: &View, base: &str) -> String {
    let (function, spec, workers) = (&view.function, &view.function.spec, &view.function.workers);
    let summary = output::pairs(&[
        ("function", function.name.clone()),
        ("project", function.project.clone()),
        ("description", spec.description.clone()),
        ("state", output::status(&function.state)),
        ("problem", function.problem.clone().unwrap_or_default()),
        ("revision", function.revision.to_string()),
        ("runtime", spec.runtime.clone()),
        ("handler", spec.handler.clone()),
        ("reached", output::reached(spec, &function.addresses, base).join("\n")),
        ("type", spec.call_type.clone()),
        (
            "workers",
            format!(
                "{} ready, {} starting, {} calls running, {} waiting (from {} to {})",
                workers.ready, workers.starting, workers.busy_slots, workers.waiting, workers.min, workers.max
            ),
        ),
        (
            "queue",
            format!("{} queued, {} running (at most {})", function.queued, function.running, spec.queue_pending_max),
        ),
        ("event timeout", spec.event_timeout_ms.map(output::exact).unwrap_or_default()),
        ("memory", spec.memory_bytes.map(output::bytes).unwrap_or_default()),
        (
            "retry",
            format!(
                "{} attempts, waits from {} to {}",
                spec.retry.max_attempts,
                output::exact(spec.retry.initial_ms),
                output::exact(spec.retry.wait_ms_max)
            ),
        ),
        ("ordering", if spec.ordering == "none" { String::new() } else { spec.ordering.clone() }),
        ("history", spec.history.clone()),
        ("environment", spec.env.iter().map(|var| var.name.clone()).collect::<Vec<_>>().join(", ")),
        ("created", output::local_time(function.created_at)),
        ("changed", output::local_time(function.updated_at)),
    ]);
    format!("{summary}\n\n{}", revisions(&view.revisions))
}

fn revisions(revisions: &[Revision]) -> String {
    let columns = [
        Column::number("REVISION"),
        Column::text(""),
        Column::text("DEPLOYED"),
        Column::text("RUNTIME"),
        Column::text("PACKAGE"),
    ];
    let mut table = Table::new(&columns, "there are no revisions");
    for revision in revisions {
        table.row([
            revision.revision.to_string(),
            if revision.active { output::status("active") } else { String::new() },
            output::local_time(revision.created_at),
            revision.spec.runtime.clone(),
            revision.package.chars().take(12).collect(),
        ]);
    }
    table.render()
}
