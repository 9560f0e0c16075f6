//! A durable step on an idle machine: submit, run, settle, one at a time, as the caller sees it: from sending the event until
//! the news that it has ended.

use std::time::{Duration, Instant};

use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use super::{BODY, Bench};
use crate::{
    latency::Latencies,
    server::Server,
    table::{Row, short},
    until::until_quiet,
};

const STEPS: usize = 500;
const WARM_UP: usize = 20;

#[derive(Deserialize)]
struct Accepted {
    id: String,
}

#[derive(Deserialize)]
struct Ended {
    status: String,
    timings: Timings,
}

#[derive(Deserialize)]
struct Timings {
    received_us: u64,
    queued_us: u64,
    cold_start_us: u64,
    user_code_us: u64,
    transfer_us: u64,
    commit_us: u64,
    total_us: u64,
}

/// Adds the rows.
pub async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let tidemill = Server::tidemill(&bench.client).await?;
    bench.deploy_python(&tidemill, "step", json!({})).await?;
    for _ in 0..WARM_UP {
        step(bench, &tidemill).await?;
    }
    until_quiet(tidemill.id()).await;
    let (mut accepted, mut seen, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STEPS {
        let (acceptance, end, timings) = step(bench, &tidemill).await?;
        accepted.push(u64::try_from(acceptance.as_nanos())?);
        seen.push(u64::try_from(end.as_nanos())?);
        ended.push(timings);
    }
    let (accepted, seen) = (Latencies::new(accepted), Latencies::new(seen));
    let milli = Duration::from_millis;
    let rows = &mut bench.table.rows;
    rows.push(
        Row::new("durable step, p50", short(seen.p50()))
            .ratio(format!("its 202 after {}", short(accepted.p50())))
            .bound("≤ 3 ms", seen.p50() <= milli(3)),
    );
    rows.push(
        Row::new("durable step, p99", short(seen.p99()))
            .ratio(format!("its 202 after {}", short(accepted.p99())))
            .bound("≤ 15 ms", seen.p99() <= milli(15)),
    );
    let part = |of: fn(&Timings) -> u64| short(Latencies::new(ended.iter().map(|t| of(t) * 1000).collect()).p50());
    rows.push(Row::new("durable step, by its own account, p50", part(|t| t.total_us)).ratio(format!(
        "received {}, queued {}, cold start {}, user code {}, transfer {}, commit {}",
        part(|t| t.received_us),
        part(|t| t.queued_us),
        part(|t| t.cold_start_us),
        part(|t| t.user_code_us),
        part(|t| t.transfer_us),
        part(|t| t.commit_us),
    )));
    Ok(())
}

/// One step: the time until its 202, the time until the news of its end, and its own account.
async fn step(bench: &Bench, server: &Server) -> anyhow::Result<(Duration, Duration, Timings)> {
    let started = Instant::now();
    let headers = [("content-type", "application/octet-stream"), ("prefer", "respond-async")];
    let url = format!("{}/f/step", server.url);
    let accepted: Accepted = bench.client.send(Method::POST, &url, &headers, BODY.to_vec()).await?.json(202)?;
    let acceptance = started.elapsed();
    let url = format!("{}/v1/invocations/{}?wait=30s", server.url, accepted.id);
    let ended: Ended = bench.client.get(&url).await?.json(200)?;
    anyhow::ensure!(ended.status == "succeeded", "{} is {}", accepted.id, ended.status);
    Ok((acceptance, started.elapsed(), ended.timings))
}
