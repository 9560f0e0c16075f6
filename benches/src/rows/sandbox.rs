//! What the sandbox of processes costs: starts of a worker, and calls, on two servers that differ in nothing else and take
//! turns.

use std::time::{Duration, Instant};

use anyhow::Context;
use hyper::Method;
use serde_json::json;

use super::{
    BODY, Bench,
    starts::Sleeper,
    subject::{self, Subject},
};
use crate::{
    latency::Latencies,
    server::Server,
    table::{Row, short},
    until::until_all_quiet,
};

/// Starts of each kind.
const STARTS: usize = 20;
/// Calls of a shell function, each a process.
const PROCESSES: usize = 150;
/// What a start may cost more, in milliseconds.
const BOUND_MS: f64 = 10.0;

/// The two servers.
struct Pair {
    with: Server,
    without: Server,
}

impl Pair {
    fn both(&self) -> [&Server; 2] {
        [&self.with, &self.without]
    }

    async fn until_quiet(&self) {
        until_all_quiet(&self.both().map(Server::id)).await;
    }
}

/// Times with the sandbox and without it.
#[derive(Default)]
struct Times([Vec<u64>; 2]);

impl Times {
    fn push(&mut self, side: usize, time: Duration) -> anyhow::Result<()> {
        self.0[side].push(u64::try_from(time.as_nanos())?);
        Ok(())
    }

    /// A row, held against what a start may cost more.
    fn row(self, what: &str) -> Row {
        let [with, without] = self.0.map(Latencies::new);
        let added = (with.p50().as_secs_f64() - without.p50().as_secs_f64()) * 1e3;
        let value = format!("p50 {}, p99 {}", short(with.p50()), short(with.p99()));
        let compared =
            format!("{added:+.2} ms p50; without p50 {}, p99 {}", short(without.p50()), short(without.p99()));
        Row::new(format!("in the sandbox: {what}"), value)
            .ratio(compared)
            .bound(format!("≤ {BOUND_MS:.0} ms added"), added <= BOUND_MS)
    }
}

/// Adds the rows.
pub async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let pair = Pair {
        with: Server::tidemill_in(&bench.client, None, &[("TIDEMILL_SANDBOX", "on")]).await?,
        without: Server::tidemill_in(&bench.client, None, &[("TIDEMILL_SANDBOX", "off")]).await?,
    };
    for server in pair.both() {
        bench.deploy_python(server, "python", json!({})).await?;
        bench.deploy_node(server, "node", json!({})).await?;
        bench.deploy_shell(server, "shell").await?;
    }
    calls(bench, &pair).await?;
    processes(bench, &pair).await?;
    for server in pair.both() {
        bench.client.delete(&server.url, "python").await?;
        bench.client.delete(&server.url, "node").await?;
    }
    starts(bench, &pair).await
}

/// Calls of workers that are there.
async fn calls(bench: &mut Bench, pair: &Pair) -> anyhow::Result<()> {
    let mut subjects = [
        Subject::new("in the sandbox: sync Python", &pair.with, "/f/python")?,
        Subject::new("without", &pair.without, "/f/python")?,
        Subject::new("in the sandbox: sync Node.js", &pair.with, "/f/node")?,
        Subject::new("without", &pair.without, "/f/node")?,
    ];
    subject::warm_up(&subjects).await?;
    for _ in 0..bench.rounds {
        subject::many(&mut subjects, bench.round / 2).await?;
        subject::one(&mut subjects, bench.round / 2).await?;
    }
    for [with, without] in subjects.as_chunks().0 {
        let ratio = format!("{:.2} of that without", with.ratio(without));
        let added = format!("{:+.0} µs p50", with.added(without));
        bench.table.rows.extend([with.throughput_row().ratio(ratio), with.latency_row().ratio(added)]);
    }
    Ok(())
}

/// Calls of a function each of which is a process.
async fn processes(bench: &mut Bench, pair: &Pair) -> anyhow::Result<()> {
    let mut times = Times::default();
    pair.until_quiet().await;
    for _ in 0..PROCESSES {
        for (side, server) in pair.both().into_iter().enumerate() {
            let began = Instant::now();
            let url = format!("{}/f/shell", server.url);
            bench.client.send(Method::POST, &url, &[], BODY.to_vec()).await?.expect(200)?;
            times.push(side, began.elapsed())?;
        }
    }
    bench.table.rows.push(times.row("a call of a shell function, a process each"));
    Ok(())
}

/// Starts of workers.
async fn starts(bench: &mut Bench, pair: &Pair) -> anyhow::Result<()> {
    for (language, function) in [("Python", "cold-python"), ("Node.js", "cold-node")] {
        let more = json!({"minReplicas": 0, "maxReplicas": 1});
        for server in pair.both() {
            match function {
                "cold-python" => bench.deploy_python(server, function, more.clone()).await?,
                _ => bench.deploy_node(server, function, more.clone()).await?,
            }
        }
        let (mut prepared, mut bare) = (Times::default(), Times::default());
        for _ in 0..STARTS {
            for (side, server) in pair.both().into_iter().enumerate() {
                let sleeper = Sleeper::new(bench, server, function);
                pair.until_quiet().await;
                sleeper.kill().await?;
                bare.push(side, sleeper.call().await.context("without a spare interpreter")?)?;
                pair.until_quiet().await;
                sleeper.stop().await?;
                prepared.push(side, sleeper.call().await.context("with a spare interpreter")?)?;
            }
        }
        bench.table.rows.push(bare.row(&format!("cold start, {language}, without a spare interpreter")));
        bench.table.rows.push(prepared.row(&format!("cold start, {language}, with one")));
        for server in pair.both() {
            bench.client.delete(&server.url, function).await?;
        }
    }
    Ok(())
}
