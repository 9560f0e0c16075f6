//! A disk that fills up: clear errors, nothing promised is lost, and work goes on when there is room.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use hyper::Method;
use serde::Deserialize;
use serde_json::json;
use tidemill_crash::{
    binary,
    collector::Collector,
    disk::{SmallDisk, ran_in_namespace},
    functions::{self, PLAIN},
    http::{Client, Response},
    observe,
    random::Random,
    server::Server,
    until::until,
};

const DISK: u64 = 64 << 20;
const BALLAST: u64 = 24 << 20;
/// How many events of one size are tried at most before the disk must be full.
const TRIES: u32 = 4000;
const RECOVERY: Duration = Duration::from_secs(60);
const SETTLE: Duration = Duration::from_secs(180);

#[derive(Deserialize)]
struct Accepted {
    id: String,
}

/// Submits events whose content nobody has sent before.
struct Filler {
    client: Client,
    url: String,
    random: Random,
    promised: BTreeSet<String>,
    sent: u64,
}

impl Filler {
    /// Sends one event of about `size` bytes.
    async fn submit(&mut self, size: usize) -> anyhow::Result<Response> {
        let mut padding = String::with_capacity(size + 16);
        while padding.len() < size {
            padding.push_str(&format!("{:016x}", self.random.draw()));
        }
        self.sent += 1;
        let body = json!({"payload": format!("filler-{}", self.sent), "padding": padding, "work_ms": 100}).to_string();
        let headers = [("content-type", "application/json"), ("prefer", "respond-async")];
        let response = self.client.send(Method::POST, &format!("{}/f/{PLAIN}", self.url), &headers, body).await?;
        if response.status.as_u16() == 202 {
            self.promised.insert(response.json::<Accepted>(202)?.id);
        }
        Ok(response)
    }

    /// Sends events of `size` bytes until one is refused; gives the refusal.
    async fn fill(&mut self, size: usize) -> anyhow::Result<Response> {
        for _ in 0..TRIES {
            let response = self.submit(size).await?;
            if response.status.as_u16() != 202 {
                return Ok(response);
            }
        }
        anyhow::bail!("{TRIES} events of {size} bytes went onto a disk of {DISK} bytes")
    }

    async fn expect_all_succeeded(&self, url: &str) -> anyhow::Result<()> {
        let found = observe::invocations(&self.client, url, self.promised.clone()).await?;
        for id in &self.promised {
            let invocation = found.get(id).with_context(|| format!("{id} was promised and is lost"))?;
            ensure!(invocation.status == "succeeded", "{id} is {}: {}", invocation.status, invocation.reason);
        }
        Ok(())
    }
}

/// What a caller is told when there is no room.
fn expect_clear(refusal: &Response) {
    assert_eq!(refusal.status.as_u16(), 507, "{}", refusal.text());
    assert_eq!(refusal.header("content-type"), Some("application/problem+json"));
    assert!(refusal.header("retry-after").is_some(), "{:?}", refusal.headers);
    assert!(refusal.text().contains("space"), "{}", refusal.text());
}

async fn expect_sync_call(client: &Client, url: &str) -> anyhow::Result<()> {
    let body = json!({"payload": "sync"}).to_string();
    let headers = [("content-type", "application/json")];
    let response = client.send(Method::POST, &format!("{url}/f/{PLAIN}"), &headers, body).await?;
    let reply: serde_json::Value = response.json(200)?;
    ensure!(reply["payload"] == "sync", "{reply}");
    Ok(())
}

fn expect_sound_database(data: &Path) -> anyhow::Result<()> {
    let database = rusqlite::Connection::open(data.join("tidemill.db"))?;
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(verdict == "ok", "{verdict}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_survived() -> anyhow::Result<()> {
    if ran_in_namespace("a_full_disk_is_survived")? {
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let disk = SmallDisk::create(&directory.path().join("disk"), DISK)?;
    let data = disk.path().join("data");
    let mut server = Server::new(binary::copy_into(directory.path())?, directory.path(), &data);
    server.start().await?;
    let (client, url) = (Client::new(), server.url()?);
    let collector = Collector::start(&directory.path().join("effects.jsonl")).await?;
    functions::deploy(&client, &url, PLAIN, collector.address(), json!({})).await?;
    expect_sync_call(&client, &url).await?;
    let ballast = disk.ballast(BALLAST)?;

    // From coarse to fine, so that in the end there is room for nothing.
    let mut filler =
        Filler { client: client.clone(), url: url.clone(), random: Random::new(1), promised: BTreeSet::new(), sent: 0 };
    for size in [1 << 20, 48 << 10, 2 << 10] {
        let refusal = filler.fill(size).await.with_context(|| server.log_tail())?;
        expect_clear(&refusal);
    }
    expect_sync_call(&client, &url).await.context("a synchronous call needs no disk")?;
    let alive = client.get(&format!("{url}/livez")).await?;
    assert_eq!(alive.status.as_u16(), 200, "{}", alive.text());
    let full = filler.promised.len();
    println!("the disk is full: {full} events are promised, {} unfinished", observe::unfinished(&client, &url).await?);

    std::fs::remove_file(ballast)?;
    until("events are accepted again", RECOVERY, async || {
        let response = client.get(&format!("{url}/readyz")).await?;
        ensure!(response.status.as_u16() == 200, "{} {}", response.status, response.text());
        Ok(())
    })
    .await?;
    let response = filler.submit(64).await?;
    assert_eq!(response.status.as_u16(), 202, "{}", response.text());
    let settling = Instant::now();
    observe::until_settled(&client, &url, SETTLE).await.with_context(|| server.log_tail())?;
    println!("with room again, everything was settled in {:?}", settling.elapsed());
    filler.expect_all_succeeded(&url).await?;

    server.end().await?;
    expect_sound_database(&data)?;
    server.start().await?;
    filler.expect_all_succeeded(&server.url()?).await?;
    expect_sync_call(&client, &server.url()?).await?;
    server.end().await?;
    println!("none of {} promised events is lost", filler.promised.len());
    Ok(())
}
