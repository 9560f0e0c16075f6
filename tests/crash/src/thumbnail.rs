//! The thumbnail example, called asynchronously again and again while the server is killed again and again.
//!
//! Each call has an idempotency key and is sent until it is answered. At the end every call has one invocation, every
//! invocation has succeeded, and every result is a thumbnail, the same for the same size.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, ensure};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hyper::Method;
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use crate::{binary, http::Client, observe, package, random::Random, server::Server, until::until};

/// How many callers there are.
const CALLERS: u64 = 8;
/// The sizes asked for, in turn.
const SIZES: [u64; 4] = [32, 64, 128, 200];
/// The server is killed after running for this long.
const LIFE_MS: std::ops::Range<u64> = 300..2000;
/// How long a call is sent again before the test gives up.
const ANSWER: Duration = Duration::from_secs(300);
/// How long the work that is left may take.
const SETTLE: Duration = Duration::from_secs(1200);

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Calls made, each with one invocation that succeeded.
    pub calls: u64,
    /// How often the server was killed.
    pub kills: u64,
    /// Requests that got no answer and were sent again.
    pub repeats: u64,
    /// From the first call to the last result.
    pub time: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls, {} kills of the server, {} requests sent again, {:.1?}: every call has its thumbnail",
            self.calls, self.kills, self.repeats, self.time
        )
    }
}

#[derive(Deserialize)]
struct Accepted {
    id: String,
}

/// What the callers share.
struct Callers {
    client: Client,
    address: watch::Receiver<Option<String>>,
    photograph: Bytes,
    repeats: AtomicU64,
}

impl Callers {
    /// Sends call number `n` until it is answered; gives the invocation.
    async fn call(&self, n: u64) -> anyhow::Result<String> {
        until(&format!("call {n}"), ANSWER, || async {
            let url = self.address.clone().wait_for(Option::is_some).await?.clone().context("there is an address")?;
            let url = format!("{url}/f/thumbnail?size={}", size_of(n));
            let key = format!("photograph-{n}");
            let headers =
                [("content-type", "image/png"), ("prefer", "respond-async"), ("idempotency-key", key.as_str())];
            let response = self.client.send(Method::POST, &url, &headers, self.photograph.clone()).await;
            if response.is_err() {
                self.repeats.fetch_add(1, Ordering::Relaxed);
            }
            Ok(response?.json::<Accepted>(202)?.id)
        })
        .await
    }
}

fn size_of(n: u64) -> u64 {
    SIZES[usize::try_from(n % SIZES.len() as u64).expect("an index of a short list fits")]
}

/// Makes `calls` calls.
pub async fn run(calls: u64, seed: u64) -> anyhow::Result<Report> {
    let directory = tempfile::Builder::new().prefix("tidemill-crash-").tempdir()?;
    println!("{calls} thumbnails with CRASH_SEED={seed} in {}", directory.path().display());
    let mut server =
        Server::new(binary::copy_into(directory.path())?, directory.path(), &directory.path().join("data"));
    server.start().await?;
    let client = Client::new();
    let example = binary::workspace().join("examples/thumbnail");
    let package = package::tar_of_folder(&example)?;
    package::deploy(&client, &server.url()?, &package, &json!({})).await.with_context(|| server.log_tail())?;

    let started = Instant::now();
    let callers = Arc::new(Callers {
        client: client.clone(),
        address: server.address(),
        photograph: Bytes::from(std::fs::read(example.join("astronaut.png"))?),
        repeats: AtomicU64::new(0),
    });
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let callers = Arc::clone(&callers);
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for n in (caller..calls).step_by(usize::try_from(CALLERS)?) {
                answers.push((n, callers.call(n).await?));
            }
            anyhow::Ok(answers)
        });
    }
    let kills = kill_until_done(&mut server, &client, &mut tasks, Random::new(seed)).await;
    let (kills, answers) = kills.with_context(|| server.log_tail())?;
    let url = server.url()?;
    observe::until_settled(&client, &url, SETTLE).await.with_context(|| server.log_tail())?;
    let time = started.elapsed();
    expect_thumbnails(&client, &url, &answers).await?;
    server.end().await?;
    let answered = answers.len() as u64;
    ensure!(answered == calls, "{answered} of {calls} calls were answered");
    Ok(Report { calls, kills, repeats: callers.repeats.load(Ordering::Relaxed), time })
}

type Answers = Vec<(u64, String)>;

/// Kills the server at random moments until all is submitted and little is left to do; gives how often, and the answers.
async fn kill_until_done(
    server: &mut Server,
    client: &Client,
    callers: &mut JoinSet<anyhow::Result<Answers>>,
    mut random: Random,
) -> anyhow::Result<(u64, Answers)> {
    let mut kills = 0;
    let mut answers = Vec::new();
    loop {
        tokio::time::sleep(random.millis(LIFE_MS)).await;
        while let Some(done) = callers.try_join_next() {
            answers.extend(done??);
        }
        if callers.is_empty() && kills > 0 && observe::unfinished(client, &server.url()?).await? == 0 {
            return Ok((kills, answers));
        }
        server.kill().await?;
        server.start().await?;
        kills += 1;
    }
}

/// Each call has an invocation of its own that succeeded in exactly one attempt and has its thumbnail.
async fn expect_thumbnails(client: &Client, url: &str, answers: &Answers) -> anyhow::Result<()> {
    let ids: BTreeSet<String> = answers.iter().map(|(_, id)| id.clone()).collect();
    ensure!(ids.len() == answers.len(), "{} calls share {} invocations", answers.len(), ids.len());
    let known = observe::ids(client, url).await?;
    ensure!(known == ids, "{} invocations are known, {} were promised", known.len(), ids.len());
    let found = observe::invocations(client, url, ids).await?;
    let results: Vec<(u64, Bytes)> = stream::iter(answers)
        .map(|(n, id)| {
            let invocation = found.get(id);
            async move {
                let invocation = invocation.with_context(|| format!("call {n}: {id} is lost"))?;
                let succeeded = invocation.attempts.iter().filter(|attempt| attempt.outcome == "succeeded").count();
                ensure!(
                    invocation.status == "succeeded" && succeeded == 1,
                    "call {n}: {id} is {}, {succeeded} attempts succeeded: {}",
                    invocation.status,
                    invocation.reason
                );
                let result = client.get(&format!("{url}/v1/invocations/{id}/result")).await?;
                ensure!(result.status.as_u16() == 200, "call {n}: {id}: {} {}", result.status, result.text());
                ensure!(result.body.starts_with(&[0xFF, 0xD8]), "call {n}: {id} is no JPEG");
                Ok((*n, result.body))
            }
        })
        .buffer_unordered(16)
        .try_collect()
        .await?;
    let mut of_size: BTreeMap<u64, Bytes> = BTreeMap::new();
    for (n, body) in results {
        let first = of_size.entry(size_of(n)).or_insert_with(|| body.clone());
        ensure!(*first == body, "call {n}: another thumbnail of size {} than the first", size_of(n));
    }
    Ok(())
}
