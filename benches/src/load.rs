//! The load generator: closed loop, HTTP/1.1 over raw TCP, one request after the other on each connection.
//!
//! It is small so that it takes little from the two cores it shares with what it measures, and the same for everything, so
//! that its own share cancels out in a ratio.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::Instant,
};

use crate::latency::Latencies;

/// What to send, and how.
#[derive(Clone)]
pub struct Plan {
    /// Where to.
    pub address: SocketAddr,
    /// The whole request.
    pub request: Arc<[u8]>,
    /// The status that every answer must have.
    pub status: u16,
    /// Connections, each with one request at a time.
    pub connections: usize,
    /// For how long.
    pub time: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Requests a second.
    pub rate: f64,
    /// From the first byte sent to the last byte received.
    pub latencies: Latencies,
}

/// A POST of `body` to `path` with these further header lines.
pub fn post(path: &str, headers: &[&str], body: &[u8]) -> Arc<[u8]> {
    let mut request = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    [request.as_bytes(), body].concat().into()
}

/// Carries out a plan. Any answer but the expected one ends it with an error.
pub async fn run(plan: &Plan) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let end = started + plan.time;
    let mut tasks = JoinSet::new();
    for _ in 0..plan.connections {
        let plan = plan.clone();
        tasks.spawn(async move { connection(&plan, end).await });
    }
    let mut nanos = Vec::new();
    while let Some(done) = tasks.join_next().await {
        nanos.extend(done??);
    }
    let rate = nanos.len() as f64 / started.elapsed().as_secs_f64();
    Ok(Outcome { rate, latencies: Latencies::new(nanos) })
}

async fn connection(plan: &Plan, end: Instant) -> anyhow::Result<Vec<u64>> {
    let mut stream = TcpStream::connect(plan.address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut nanos = Vec::with_capacity(64 * 1024);
    loop {
        let started = Instant::now();
        if started >= end {
            return Ok(nanos);
        }
        stream.write_all(&plan.request).await?;
        let (status, body) = answer(&mut stream, &mut buffer).await?;
        ensure!(status == plan.status, "{status} instead of {}: {}", plan.status, String::from_utf8_lossy(body));
        nanos.push(u64::try_from(started.elapsed().as_nanos())?);
    }
}

/// Reads one answer: its status and its body.
async fn answer<'a>(stream: &mut TcpStream, buffer: &'a mut Vec<u8>) -> anyhow::Result<(u16, &'a [u8])> {
    buffer.clear();
    let head_end = loop {
        if let Some(index) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break index + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server hung up");
        }
    };
    let head = std::str::from_utf8(&buffer[..head_end])?;
    let status = head.get(9..12).and_then(|text| text.parse().ok()).context("the answer has no status")?;
    let length: usize = head
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .context("the answer has no length")?;
    while buffer.len() < head_end + length {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server hung up in the midst of an answer");
        }
    }
    Ok((status, &buffer[head_end..head_end + length]))
}
