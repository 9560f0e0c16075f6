//! Synchronous calls against the bare echo: requests a second at many connections, and the added time at one.
//!
//! Echo and functions take turns; a function's ratio is to the echo of the same turn, and of all turns the median counts, so
//! that a machine that slows down half-way slows both.

use std::time::Duration;

use serde_json::json;

use super::{BODY, Bench};
use crate::{
    latency::median,
    load::{self, Outcome, Plan},
    process,
    server::Server,
    table::{Row, short, thousands},
    until::until_quiet,
};

/// Connections of the throughput rows.
const CONNECTIONS: usize = 32;
const WARM_UP: Duration = Duration::from_secs(1);
/// Nuclio's own published rate, in requests a second a core, and how many times that is asked for.
const NUCLIO: f64 = 1570.0;
const NUCLIO_TIMES: f64 = 8.0;

/// What is called.
struct Subject {
    name: &'static str,
    plan: Plan,
    /// By turn: requests a second, and requests a second of processor time of Tidemill and its workers.
    rates: Vec<f64>,
    per_core: Vec<f64>,
    /// By turn, at one connection, in microseconds.
    p50s: Vec<f64>,
    p99s: Vec<f64>,
}

impl Subject {
    fn new(name: &'static str, server: &Server, path: &str) -> anyhow::Result<Subject> {
        let request = load::post(path, &["Content-Type: application/octet-stream"], &BODY);
        let plan = Plan { address: server.address()?, request, status: 200, connections: 1, time: WARM_UP };
        Ok(Subject { name, plan, rates: vec![], per_core: vec![], p50s: vec![], p99s: vec![] })
    }

    async fn run(&self, connections: usize, time: Duration) -> anyhow::Result<Outcome> {
        load::run(&Plan { connections, time, ..self.plan.clone() }).await
    }
}

/// Adds the rows.
pub async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let echo = Server::echo()?;
    let tidemill = Server::tidemill(&bench.client).await?;
    bench.deploy_python(&tidemill, "python", json!({})).await?;
    bench.deploy_python(&tidemill, "python-forgotten", json!({"history": "none"})).await?;
    bench.deploy_node(&tidemill, "node").await?;
    let mut subjects = [
        Subject::new("bare hyper echo", &echo, "/")?,
        Subject::new("sync Python", &tidemill, "/f/python")?,
        Subject::new("sync Python, history: none", &tidemill, "/f/python-forgotten")?,
        Subject::new("sync Node.js", &tidemill, "/f/node")?,
    ];
    for subject in &subjects {
        subject.run(CONNECTIONS, WARM_UP).await?;
    }
    for _ in 0..bench.rounds {
        for subject in &mut subjects {
            until_quiet(tidemill.id()).await;
            let before = process::cpu_time(tidemill.id());
            let outcome = subject.run(CONNECTIONS, bench.round).await?;
            let cores = (process::cpu_time(tidemill.id()) - before).as_secs_f64() / bench.round.as_secs_f64();
            subject.per_core.push(outcome.rate / cores.max(f64::MIN_POSITIVE));
            subject.rates.push(outcome.rate);
        }
        for subject in &mut subjects {
            until_quiet(tidemill.id()).await;
            let outcome = subject.run(1, bench.round).await?;
            subject.p50s.push(outcome.latencies.p50().as_secs_f64() * 1e6);
            subject.p99s.push(outcome.latencies.p99().as_secs_f64() * 1e6);
        }
    }
    let (echo, functions) = subjects.split_first().expect("there are four subjects");
    let rate = median(echo.rates.clone());
    bench
        .table
        .rows
        .push(Row::new(format!("{}, {CONNECTIONS} connections", echo.name), format!("{} requests/s", thousands(rate))));
    for function in functions {
        throughput(bench, echo, function);
    }
    let (p50, p99) = (median(echo.p50s.clone()), median(echo.p99s.clone()));
    bench
        .table
        .rows
        .push(Row::new(format!("{}, 1 connection", echo.name), format!("p50 {}, p99 {}", micros(p50), micros(p99))));
    for function in functions {
        added(bench, echo, function);
    }
    Ok(())
}

fn throughput(bench: &mut Bench, echo: &Subject, function: &Subject) {
    let ratio = median(function.rates.iter().zip(&echo.rates).map(|(ours, bare)| ours / bare).collect());
    let per_core = median(function.per_core.clone());
    let mut row = Row::new(
        format!("{}, {CONNECTIONS} connections", function.name),
        format!("{} requests/s", thousands(median(function.rates.clone()))),
    )
    .ratio(format!("{ratio:.2} of the echo"));
    if function.name == "sync Python" {
        row = row.bound("≥ 0.25 of the echo", ratio >= 0.25);
    }
    bench.table.rows.push(row);
    if function.name == "sync Python" {
        let bound = NUCLIO * NUCLIO_TIMES;
        let row = Row::new(
            format!("{}, a core used by server and workers", function.name),
            format!("{} requests/s", thousands(per_core)),
        )
        .ratio(format!("{:.1} × Nuclio's {}", per_core / NUCLIO, thousands(NUCLIO)))
        .bound(format!("≥ {NUCLIO_TIMES:.0} × Nuclio's"), per_core >= bound);
        bench.table.rows.push(row);
    }
}

fn added(bench: &mut Bench, echo: &Subject, function: &Subject) {
    let added = median(function.p50s.iter().zip(&echo.p50s).map(|(ours, bare)| ours - bare).collect());
    let mut row = Row::new(
        format!("{}, 1 connection", function.name),
        format!("p50 {}, p99 {}", micros(median(function.p50s.clone())), micros(median(function.p99s.clone()))),
    )
    .ratio(format!("{added:+.0} µs p50"));
    if function.name == "sync Python" {
        row = row.bound("≤ 100 µs added", added <= 100.0);
    }
    bench.table.rows.push(row);
}

fn micros(micros: f64) -> String {
    short(Duration::from_secs_f64(micros / 1e6))
}
