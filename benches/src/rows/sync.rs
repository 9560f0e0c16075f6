//! Synchronous calls of processes against the bare echo: requests a second at many connections, and the added time at one.

use serde_json::json;

use super::{
    Bench,
    subject::{self, Subject},
};
use crate::{
    server::Server,
    table::{Row, thousands},
};

/// Nuclio's own published rate, in requests a second a core, and how many times that is asked for.
const NUCLIO: f64 = 1570.0;
const NUCLIO_TIMES: f64 = 8.0;

/// Adds the rows.
pub async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let echo = Server::echo()?;
    let tidemill = Server::tidemill(&bench.client).await?;
    bench.deploy_python(&tidemill, "python", json!({})).await?;
    bench.deploy_python(&tidemill, "python-forgotten", json!({"history": "none"})).await?;
    bench.deploy_node(&tidemill, "node", json!({})).await?;
    let mut subjects = [
        Subject::new("bare hyper echo", &echo, "/")?,
        Subject::new("sync Python", &tidemill, "/f/python")?,
        Subject::new("sync Python, history: none", &tidemill, "/f/python-forgotten")?,
        Subject::new("sync Node.js", &tidemill, "/f/node")?,
    ];
    subject::warm_up(&subjects).await?;
    for _ in 0..bench.rounds {
        subject::many(&mut subjects, bench.round).await?;
        subject::one(&mut subjects, bench.round).await?;
    }
    let [echo, python, forgotten, node] = &subjects;
    let ratio = |function: &Subject| format!("{:.2} of the echo", function.ratio(echo));
    let added = |function: &Subject| format!("{:+.0} µs p50", function.added(echo));
    let per_core = Row::new(
        format!("{}, a core used by server and workers", python.name),
        format!("{} requests/s", thousands(python.per_core())),
    );
    bench.table.rows.extend([
        echo.throughput_row(),
        python.throughput_row().ratio(ratio(python)).bound("≥ 0.25 of the echo", python.ratio(echo) >= 0.25),
        per_core
            .ratio(format!("{:.1} × Nuclio's {}", python.per_core() / NUCLIO, thousands(NUCLIO)))
            .bound(format!("≥ {NUCLIO_TIMES:.0} × Nuclio's"), python.per_core() >= NUCLIO * NUCLIO_TIMES),
        forgotten.throughput_row().ratio(ratio(forgotten)),
        node.throughput_row().ratio(ratio(node)),
        echo.latency_row(),
        python.latency_row().ratio(added(python)).bound("≤ 100 µs added", python.added(echo) <= 100.0),
        forgotten.latency_row().ratio(added(forgotten)),
        node.latency_row().ratio(added(node)),
    ]);
    Ok(())
}
