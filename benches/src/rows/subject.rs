//! What is called under load, and what came of it, turn by turn.
//!
//! What is compared takes turns; a ratio is between the same turns, and of all turns the median counts, so that a machine that
//! slows down half-way slows everything.

use std::time::Duration;

use super::BODY;
use crate::{
    latency::median,
    load::{self, Plan},
    process,
    server::Server,
    table::{Row, short, thousands},
    until::until_all_quiet,
};

/// Connections of the rows about throughput.
pub const CONNECTIONS: usize = 32;
const WARM_UP: Duration = Duration::from_secs(1);

/// An address that answers, and the figures of its turns.
pub struct Subject {
    /// As it is called in the table.
    pub name: &'static str,
    plan: Plan,
    server: u32,
    /// By turn: requests a second.
    rates: Vec<f64>,
    /// By turn: requests a second of processor time of the server and its workers.
    per_core: Vec<f64>,
    /// By turn, at one connection, in microseconds.
    p50s: Vec<f64>,
    p99s: Vec<f64>,
}

impl Subject {
    /// The echo of 64 bytes at `path` of `server`.
    pub fn new(name: &'static str, server: &Server, path: &str) -> anyhow::Result<Subject> {
        let request = load::post(path, &["Content-Type: application/octet-stream"], &BODY);
        let plan = Plan { address: server.address()?, request, status: 200, connections: 1, time: WARM_UP };
        Ok(Subject { name, plan, server: server.id(), rates: vec![], per_core: vec![], p50s: vec![], p99s: vec![] })
    }

    async fn warm_up(&self) -> anyhow::Result<()> {
        load::run(&Plan { connections: CONNECTIONS, ..self.plan.clone() }).await.map(|_| ())
    }

    async fn many(&mut self, time: Duration) -> anyhow::Result<()> {
        let before = process::cpu_time(self.server);
        let outcome = load::run(&Plan { connections: CONNECTIONS, time, ..self.plan.clone() }).await?;
        let cores = (process::cpu_time(self.server) - before).as_secs_f64() / time.as_secs_f64();
        self.per_core.push(outcome.rate / cores.max(f64::MIN_POSITIVE));
        self.rates.push(outcome.rate);
        Ok(())
    }

    async fn one(&mut self, time: Duration) -> anyhow::Result<()> {
        let outcome = load::run(&Plan { time, ..self.plan.clone() }).await?;
        self.p50s.push(outcome.latencies.p50().as_secs_f64() * 1e6);
        self.p99s.push(outcome.latencies.p99().as_secs_f64() * 1e6);
        Ok(())
    }

    /// Requests a second at many connections.
    pub fn rate(&self) -> f64 {
        median(self.rates.clone())
    }

    /// Requests a second of processor time.
    pub fn per_core(&self) -> f64 {
        median(self.per_core.clone())
    }

    /// Processor time of the server and its workers, for people.
    pub fn processor(&self) -> String {
        format!("{:.1} µs of processor", 1e6 / self.per_core())
    }

    /// Its rate as a part of that of `other`.
    pub fn ratio(&self, other: &Subject) -> f64 {
        median(self.rates.iter().zip(&other.rates).map(|(ours, theirs)| ours / theirs).collect())
    }

    /// How much longer than `other` it takes at one connection (p50), in microseconds.
    pub fn added(&self, other: &Subject) -> f64 {
        median(self.p50s.iter().zip(&other.p50s).map(|(ours, theirs)| ours - theirs).collect())
    }

    /// The row of its rate.
    pub fn throughput_row(&self) -> Row {
        let what = format!("{}, {CONNECTIONS} connections", self.name);
        Row::new(what, format!("{} requests/s", thousands(self.rate())))
    }

    /// The row of its latency.
    pub fn latency_row(&self) -> Row {
        let micros = |of: &[f64]| short(Duration::from_secs_f64(median(of.to_vec()) / 1e6));
        let value = format!("p50 {}, p99 {}", micros(&self.p50s), micros(&self.p99s));
        Row::new(format!("{}, 1 connection", self.name), value)
    }
}

/// Lets them all run for a moment.
pub async fn warm_up(subjects: &[Subject]) -> anyhow::Result<()> {
    for subject in subjects {
        subject.warm_up().await?;
    }
    Ok(())
}

/// A turn of each at many connections.
pub async fn many(subjects: &mut [Subject], time: Duration) -> anyhow::Result<()> {
    let servers = servers(subjects);
    for subject in subjects {
        until_all_quiet(&servers).await;
        subject.many(time).await?;
    }
    Ok(())
}

/// A turn of each at one connection. Latencies need less time than rates to be known.
pub async fn one(subjects: &mut [Subject], time: Duration) -> anyhow::Result<()> {
    let servers = servers(subjects);
    for subject in subjects {
        until_all_quiet(&servers).await;
        subject.one(time / 2).await?;
    }
    Ok(())
}

fn servers(subjects: &[Subject]) -> Vec<u32> {
    let mut servers: Vec<u32> = subjects.iter().map(|subject| subject.server).collect();
    servers.sort_unstable();
    servers.dedup();
    servers
}
