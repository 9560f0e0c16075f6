//! Functions of WebAssembly: synchronous calls against the bare echo, and cold starts.
//!
//! The guests are text, in `benches/guests`: a component of Tidemill's world, and a command that copies stdin to stdout. Each
//! call is a fresh instance.

use std::time::Duration;

use serde_json::json;

use super::{
    Bench,
    starts::Sleeper,
    subject::{self, Subject},
};
use crate::{
    latency::Latencies,
    server::Server,
    table::{Row, short},
};

const COMPONENT: &str = include_str!("../../guests/echo-component.wat");
const COMMAND: &str = include_str!("../../guests/echo-command.wat");
const STARTS: usize = 200;

/// Adds the rows.
pub async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let tidemill = Server::tidemill(&bench.client).await?;
    for (name, guest, more) in [
        ("component", COMPONENT, json!({})),
        ("component-forgotten", COMPONENT, json!({"history": "none"})),
        ("command", COMMAND, json!({})),
        ("command-forgotten", COMMAND, json!({"history": "none"})),
        ("cold-component", COMPONENT, json!({"minReplicas": 0, "maxReplicas": 1})),
        ("cold-command", COMMAND, json!({"minReplicas": 0, "maxReplicas": 1})),
    ] {
        bench.deploy_wasm(&tidemill, name, guest, more).await?;
    }
    calls(bench, &tidemill).await?;
    starts(bench, &tidemill).await
}

async fn calls(bench: &mut Bench, tidemill: &Server) -> anyhow::Result<()> {
    let echo = Server::echo()?;
    let mut subjects = [
        Subject::new("bare hyper echo, beside wasm", &echo, "/")?,
        Subject::new("sync wasm, component", tidemill, "/f/component")?,
        Subject::new("sync wasm, component, history: none", tidemill, "/f/component-forgotten")?,
        Subject::new("sync wasm, command", tidemill, "/f/command")?,
        Subject::new("sync wasm, command, history: none", tidemill, "/f/command-forgotten")?,
    ];
    subject::warm_up(&subjects).await?;
    for _ in 0..bench.rounds {
        subject::many(&mut subjects, bench.round).await?;
        subject::one(&mut subjects, bench.round / 2).await?;
    }
    let [echo, component, component_forgotten, command, command_forgotten] = &subjects;
    let throughput = |function: &Subject| {
        let compared = format!("{:.2} of the echo, {}", function.ratio(echo), function.processor());
        function.throughput_row().ratio(compared)
    };
    let held = |function: &Subject| throughput(function).bound("≥ 0.60 of the echo", function.ratio(echo) >= 0.6);
    let latency = |function: &Subject| function.latency_row().ratio(format!("{:+.0} µs p50", function.added(echo)));
    bench.table.rows.extend([
        echo.throughput_row().ratio(echo.processor()),
        held(component),
        throughput(component_forgotten),
        held(command),
        throughput(command_forgotten),
        echo.latency_row(),
        latency(component),
        latency(command),
    ]);
    Ok(())
}

/// Calls of a function without a worker. Its code is compiled, as after any former call.
async fn starts(bench: &mut Bench, tidemill: &Server) -> anyhow::Result<()> {
    for (what, function) in [("component", "cold-component"), ("command", "cold-command")] {
        let sleeper = Sleeper::new(bench, tidemill, function);
        let mut nanos = Vec::new();
        for _ in 0..STARTS {
            sleeper.stop().await?;
            nanos.push(u64::try_from(sleeper.call().await?.as_nanos())?);
        }
        let times = Latencies::new(nanos);
        bench.table.rows.push(
            Row::new(
                format!("cold start, wasm, {what}"),
                format!("p50 {}, p99 {}", short(times.p50()), short(times.p99())),
            )
            .bound("p99 ≤ 2 ms", times.p99() <= Duration::from_millis(2)),
        );
    }
    Ok(())
}
