//! Ten thousand idle connections: they cost little, and stand in nobody's way.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};
use hyper::Method;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tidemill_crash::{
    binary,
    collector::Collector,
    functions::{self, PLAIN},
    http::Client,
    server::Server,
    until::until,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const CONNECTIONS: usize = 10_000;
/// What the server may hold for all of them together, in bytes: 20 KiB each.
const MEMORY_MAX: u64 = 200 << 20;
const QUIET: Duration = Duration::from_secs(30);

fn resident_bytes(pid: Pid) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kibibytes * 1024)
}

/// A connection that has asked once and been answered, as one of a browser or a pool.
async fn used_connection(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        ensure!(stream.read_buf(&mut answer).await? > 0, "the connection was closed: {answer:?}");
    }
    Ok(stream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_stand_in_nobodys_way() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    ensure!(
        limit.maximum.is_none_or(|maximum| maximum > CONNECTIONS as u64 + 200),
        "this test needs {CONNECTIONS} open files and may have {limit:?}: raise it with ulimit -Hn"
    );
    let directory = tempfile::tempdir()?;
    let program = binary::copy_into(directory.path())?;
    let mut server = Server::new(program, directory.path(), &directory.path().join("data"));
    server.start().await?;
    let (client, url) = (Client::new(), server.url()?);
    let collector = Collector::start(&directory.path().join("effects.jsonl")).await?;
    functions::deploy(&client, &url, PLAIN, collector.address(), json!({})).await?;
    let before = resident_bytes(server.pid()?)?;
    let address: SocketAddr = url.trim_start_matches("http://").parse()?;

    let mut idle = Vec::with_capacity(CONNECTIONS);
    for number in 0..CONNECTIONS {
        idle.push(used_connection(address).await.with_context(|| format!("connection {number}"))?);
    }
    let body = json!({"payload": "among many"}).to_string();
    let headers = [("content-type", "application/json")];
    let response = client.send(Method::POST, &format!("{url}/f/{PLAIN}"), &headers, body).await?;
    assert_eq!(response.status.as_u16(), 200, "{}", response.text());
    until("quiet connections give back their memory", QUIET, async || {
        let held = resident_bytes(server.pid()?)?.saturating_sub(before);
        ensure!(held < MEMORY_MAX, "the server holds {} MiB for {CONNECTIONS} connections", held >> 20);
        Ok(())
    })
    .await?;
    let held = resident_bytes(server.pid()?)?.saturating_sub(before);
    println!("{CONNECTIONS} idle connections hold {} MiB", held >> 20);
    // The last and the first are still good.
    for stream in [idle.swap_remove(CONNECTIONS - 1), idle.swap_remove(0)] {
        let mut stream = stream;
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
        let mut answer = [0u8; 12];
        stream.read_exact(&mut answer).await?;
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
    server.end().await?;
    Ok(())
}
