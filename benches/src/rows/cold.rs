//! Cold starts of a Python process: from the call that needs a worker until the worker is ready, by the invocation's own
//! account. With a spare interpreter waiting (it is killed off between calls like a worker that was idle for too long), and
//! without one.

use std::time::Duration;

use anyhow::{Context, ensure};
use hyper::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::json;

use super::Bench;
use crate::{
    latency::Latencies,
    process,
    server::Server,
    table::{Row, short},
    until::{until, until_quiet},
};

/// Replies with the id of its process, so that the worker can be told from the spares.
const SOURCE: &str = "import os\n\n\ndef handler(context, event):\n    return str(os.getpid())\n";
const STARTS: usize = 60;

#[derive(Deserialize)]
struct Ended {
    timings: Timings,
}

#[derive(Deserialize)]
struct Timings {
    cold_start_us: u64,
}

#[derive(Deserialize)]
struct Function {
    workers: Workers,
}

#[derive(Deserialize)]
struct Workers {
    ready: u32,
    starting: u32,
}

/// Adds the rows.
pub async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let tidemill = Server::tidemill(&bench.client).await?;
    let manifest = json!({"runtime": "python", "handler": "main:handler", "minReplicas": 0, "maxReplicas": 1});
    let manifest = json!({"metadata": {"name": "cold"}, "spec": manifest});
    bench.client.deploy(&tidemill.url, &manifest, "main.py", SOURCE).await?;
    let (worker, _) = call(bench, &tidemill).await?;

    let (mut prepared, mut worker) = (Vec::new(), worker);
    for _ in 0..STARTS {
        until_quiet(tidemill.id()).await;
        kill(&[worker]);
        until_gone(bench, &tidemill).await?;
        let (next, cold_start) = call(bench, &tidemill).await.context("with a spare interpreter")?;
        ensure!(next != worker, "the killed worker answered");
        worker = next;
        prepared.push(u64::try_from(cold_start.as_nanos())?);
    }
    let mut bare = Vec::new();
    for _ in 0..STARTS {
        until_quiet(tidemill.id()).await;
        until("no interpreter is left", || async {
            let left = process::descendants(tidemill.id());
            kill(&left);
            ensure!(left.is_empty(), "{left:?} live");
            Ok(())
        })
        .await?;
        until_gone(bench, &tidemill).await?;
        let (_, cold_start) = call(bench, &tidemill).await.context("without a spare interpreter")?;
        bare.push(u64::try_from(cold_start.as_nanos())?);
    }
    for (what, nanos, bound) in [("with a spare interpreter", prepared, 10), ("without one", bare, 50)] {
        let times = Latencies::new(nanos);
        bench.table.rows.push(
            Row::new(
                format!("cold start, Python, {what}"),
                format!("p50 {}, p99 {}", short(times.p50()), short(times.p99())),
            )
            .bound(format!("p99 ≤ {bound} ms"), times.p99() <= Duration::from_millis(bound)),
        );
    }
    Ok(())
}

/// Calls the function: which process answered, and how long its start took.
async fn call(bench: &Bench, server: &Server) -> anyhow::Result<(u32, Duration)> {
    let response = bench.client.send(Method::POST, &format!("{}/f/cold", server.url), &[], "").await?;
    response.expect(200)?;
    let process = response.text().trim().parse().context("the function replies with a process id")?;
    let id = response.headers.get("tidemill-invocation-id").context("a reply names its invocation")?;
    let url = format!("{}/v1/invocations/{}", server.url, id.to_str()?);
    // The history of synchronous calls is written behind.
    let ended: Ended =
        until("the call is in the history", || async { bench.client.get(&url).await?.json(200) }).await?;
    Ok((process, Duration::from_micros(ended.timings.cold_start_us)))
}

/// Waits until the server knows that it has no worker.
async fn until_gone(bench: &Bench, server: &Server) -> anyhow::Result<()> {
    let url = format!("{}/v1/functions/cold", server.url);
    until("the worker is gone", || async {
        let function: Function = bench.client.get(&url).await?.json(200)?;
        ensure!(function.workers.ready + function.workers.starting == 0, "{} are ready", function.workers.ready);
        Ok(())
    })
    .await
}

fn kill(processes: &[u32]) {
    for process in processes {
        if let Some(pid) = i32::try_from(*process).ok().and_then(Pid::from_raw) {
            // One that has gone already is what is wanted.
            let _gone = kill_process(pid, Signal::KILL);
        }
    }
}
