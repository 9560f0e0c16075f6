//! Cold starts of a Python process, in its sandbox: from the call that needs a worker until the worker is ready. With a spare
//! interpreter waiting (the worker was stopped like one that was idle for too long), and without one.

use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use super::{Bench, starts::Sleeper};
use crate::{
    latency::Latencies,
    server::Server,
    table::{Row, short},
    until::until_quiet,
};

const STARTS: usize = 40;

/// Adds the rows.
pub async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let tidemill = Server::tidemill(&bench.client).await?;
    bench.deploy_python(&tidemill, "cold", json!({"minReplicas": 0, "maxReplicas": 1})).await?;
    let sleeper = Sleeper::new(bench, &tidemill, "cold");
    sleeper.call().await?;
    let (mut prepared, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        until_quiet(tidemill.id()).await;
        sleeper.stop().await?;
        prepared.push(nanos(sleeper.call().await.context("with a spare interpreter")?)?);
        until_quiet(tidemill.id()).await;
        sleeper.kill().await?;
        bare.push(nanos(sleeper.call().await.context("without a spare interpreter")?)?);
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

fn nanos(time: Duration) -> anyhow::Result<u64> {
    Ok(u64::try_from(time.as_nanos())?)
}
