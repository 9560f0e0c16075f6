//! Asynchronous events accepted a second, each on disk before its 202, against what SQLite itself inserts when as many rows
//! share a commit.
//!
//! The function is paused, so that accepting is all that happens; a further row says what is left when it also runs.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use hyper::Method;
use serde_json::json;

use super::{BODY, Bench};
use crate::{
    latency::median,
    load::{self, Plan},
    server::{Server, data_directory},
    table::{Row, short, thousands},
};

const CLIENTS: usize = 64;
/// Bytes of a row of the raw database.
const ROW: usize = 300;

/// Adds the rows.
pub async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let tidemill = Server::tidemill(&bench.client).await?;
    bench.deploy_python(&tidemill, "paused", json!({})).await?;
    let pause = format!("{}/v1/functions/paused/pause", tidemill.url);
    ensure!(bench.client.send(Method::POST, &pause, &[], "").await?.status < 300, "the function could not be paused");

    let (mut rates, mut p99s, mut raw_rates, mut batches) = (vec![], vec![], vec![], vec![]);
    for _ in 0..bench.rounds {
        let before = Commits::read(bench, &tidemill).await?;
        let outcome = load::run(&plan(&tidemill, "/f/paused", bench.round)?).await?;
        let batch = before.batch_until(&Commits::read(bench, &tidemill).await?);
        rates.push(outcome.rate);
        p99s.push(outcome.latencies.p99().as_secs_f64());
        let directory = tidemill.directory().context("Tidemill has a directory")?.to_owned();
        raw_rates.push(raw_inserts(&directory, batch.round().max(1.0) as usize, bench.round)?);
        batches.push(batch);
    }
    let ratio = median(rates.iter().zip(&raw_rates).map(|(ours, raw)| ours / raw).collect());
    bench.table.rows.push(Row::new(
        format!("SQLite alone, {:.0} rows of {ROW} B a commit, fsync", median(batches)),
        format!("{} inserts/s", thousands(median(raw_rates))),
    ));
    bench.table.rows.push(
        Row::new(
            format!("async accept, {CLIENTS} clients, fsync"),
            format!("{} events/s, p99 {}", thousands(median(rates)), short(Duration::from_secs_f64(median(p99s)))),
        )
        .ratio(format!("{ratio:.2} of SQLite"))
        .bound("≥ 0.40 of SQLite", ratio >= 0.4),
    );

    bench.deploy_python(&tidemill, "running", json!({})).await?;
    let outcome = load::run(&plan(&tidemill, "/f/running", bench.round)?).await?;
    bench.table.rows.push(Row::new(
        format!("async accept, {CLIENTS} clients, while Python runs them"),
        format!("{} events/s", thousands(outcome.rate)),
    ));
    Ok(())
}

fn plan(server: &Server, path: &str, time: Duration) -> anyhow::Result<Plan> {
    let request = load::post(path, &["Content-Type: application/octet-stream", "Prefer: respond-async"], &BODY);
    Ok(Plan { address: server.address()?, request, status: 202, connections: CLIENTS, time })
}

/// The store's counters; nothing when the server does not publish them.
struct Commits {
    counters: Option<(f64, f64)>,
}

impl Commits {
    async fn read(bench: &Bench, server: &Server) -> anyhow::Result<Commits> {
        let response = bench.client.get(&format!("{}/metrics", server.url)).await?;
        response.expect(200)?;
        let text = response.text();
        let counter = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse::<f64>().ok())
        };
        Ok(Commits { counters: counter("tidemill_store_writes_total").zip(counter("tidemill_store_commits_total")) })
    }

    /// Writes a commit between two readings. Unknown, it is taken to be the most that it can be, which is the hardest
    /// comparison: each client waits for its answer, so no more writes than clients share a commit.
    fn batch_until(&self, later: &Commits) -> f64 {
        match (self.counters, later.counters) {
            (Some((writes, commits)), Some((later_writes, later_commits))) if later_commits > commits => {
                (later_writes - writes) / (later_commits - commits)
            }
            _ => CLIENTS as f64,
        }
    }
}

/// Rows that SQLite inserts a second, `batch` of them in each durable transaction.
fn raw_inserts(near: &Path, batch: usize, time: Duration) -> anyhow::Result<f64> {
    let directory = data_directory(near)?;
    let database = rusqlite::Connection::open(directory.path().join("raw.db"))?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE rows (id INTEGER PRIMARY KEY, payload BLOB NOT NULL);",
    )?;
    let payload = [0xA5_u8; ROW];
    let mut insert = database.prepare("INSERT INTO rows (payload) VALUES (?1)")?;
    let started = Instant::now();
    let mut rows = 0_u64;
    while started.elapsed() < time {
        database.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..batch {
            insert.execute([&payload[..]])?;
        }
        database.execute_batch("COMMIT")?;
        rows += batch as u64;
    }
    Ok(rows as f64 / started.elapsed().as_secs_f64())
}
