//! An actor that counts its messages in its state, while its workers and the server are killed.
//!
//! Each message has an idempotency key and is sent until it is answered. Whatever was killed in between, every message is
//! counted once: the counter ends at their number, and the replies are the numbers from one to it.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use hyper::Method;
use rustix::process::{Signal, kill_process};
use serde::Deserialize;
use serde_json::json;
use tokio::{process::Command, sync::watch, task::JoinSet, time::Instant};

use crate::{binary, http::Client, observe, package, random::Random, server::Server, until::until};

/// How many senders there are.
const SENDERS: u64 = 8;
/// The pause between two faults.
const PAUSE_MS: std::ops::Range<u64> = 50..600;
/// How long a message is sent again before the test gives up.
const ANSWER: Duration = Duration::from_secs(300);
/// How long the work that is left may take.
const SETTLE: Duration = Duration::from_secs(1200);

const PYTHON: &str = r#"
def handler(context, event):
    context.state["count"] = context.state.get("count", 0) + 1
    return {"count": context.state["count"]}
"#;

/// Counts in the state file, and prints the number as its reply.
const SHELL: &str = r#"
count=$(sed -n 's/.*"count": *\([0-9]*\).*/\1/p' "$TIDEMILL_STATE_FILE" 2>/dev/null)
count=$((${count:-0} + 1))
# Long enough to be killed in.
sleep 0.3
echo "{\"count\": $count}"
echo "{\"count\": $count}" > "$TIDEMILL_STATE_FILE"
"#;

/// Where the actor's code runs.
#[derive(Clone, Debug)]
pub enum Place {
    /// A Python process.
    Process,
    /// A container for each message.
    Container {
        /// The Docker engine's socket.
        engine: PathBuf,
        /// An image with a shell and `sed`.
        image: String,
    },
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Messages sent, and the counter's value at the end.
    pub messages: u64,
    /// Workers or containers killed.
    pub workers_killed: u64,
    /// How often the server was killed.
    pub servers_killed: u64,
    /// Attempts that did not succeed.
    pub lost_attempts: u64,
    /// From the first message to the end of the last.
    pub time: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} messages, {} kills of workers, {} of the server, {} attempts lost, {:.1?}: the counter is at {}",
            self.messages, self.workers_killed, self.servers_killed, self.lost_attempts, self.time, self.messages
        )
    }
}

#[derive(Deserialize)]
struct Accepted {
    id: String,
}

#[derive(Deserialize)]
struct State {
    value: Count,
}

#[derive(Deserialize)]
struct Count {
    count: u64,
}

/// Sends `messages` messages to one actor.
pub async fn run(messages: u64, place: Place, seed: u64) -> anyhow::Result<Report> {
    let directory = tempfile::Builder::new().prefix("tidemill-crash-").tempdir()?;
    println!("{messages} messages with CRASH_SEED={seed} in {}", directory.path().display());
    let mut server =
        Server::new(binary::copy_into(directory.path())?, directory.path(), &directory.path().join("data"));
    if let Place::Container { engine, .. } = &place {
        server.set_variable("DOCKER_HOST", &format!("unix://{}", engine.display()));
    }
    server.start().await?;
    let client = Client::new();
    deploy(&client, &server.url()?, &place).await.with_context(|| server.log_tail())?;

    let started = Instant::now();
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let (client, address) = (client.clone(), server.address());
        senders.spawn(async move {
            let mut ids = Vec::new();
            for n in (sender..messages).step_by(usize::try_from(SENDERS)?) {
                ids.push(send(&client, &address, n).await?);
            }
            anyhow::Ok(ids)
        });
    }
    let kills = kill_until_done(&mut server, &client, &place, &mut senders, Random::new(seed)).await;
    let (workers_killed, servers_killed, ids) = kills.with_context(|| server.log_tail())?;
    let url = server.url()?;
    observe::until_settled(&client, &url, SETTLE).await.with_context(|| server.log_tail())?;
    let time = started.elapsed();
    let lost_attempts = expect_count(&client, &url, messages, ids).await?;
    server.end().await?;
    if let Place::Container { engine, .. } = &place {
        let left = containers(engine, &["--all"]).await?;
        ensure!(left.is_empty(), "containers were left behind: {left:?}");
    }
    Ok(Report { messages, workers_killed, servers_killed, lost_attempts, time })
}

async fn deploy(client: &Client, url: &str, place: &Place) -> anyhow::Result<()> {
    // Killed workers are failed attempts; there are many here and none may use the attempts up.
    let retry = json!({"maxAttempts": 1000, "initial": "10ms", "max": "100ms"});
    let (spec, source) = match place {
        Place::Process => {
            let spec = json!({"runtime": "python", "handler": "main:handler", "state": "function", "retry": retry});
            (spec, Some(("main.py", PYTHON)))
        }
        Place::Container { image, .. } => {
            let container = json!({"image": image, "command": ["sh", "-c", SHELL], "pull": "never"});
            (json!({"runtime": "image", "container": container, "state": "function", "retry": retry}), None)
        }
    };
    let manifest = json!({"metadata": {"name": "counter"}, "spec": spec}).to_string();
    let mut files = vec![("function.yaml", manifest.as_bytes())];
    files.extend(source.map(|(name, text)| (name, text.as_bytes())));
    package::deploy(client, url, &package::tar_of(&files)?, &json!({})).await
}

/// Sends message `n` until it is answered; gives its invocation.
async fn send(client: &Client, address: &watch::Receiver<Option<String>>, n: u64) -> anyhow::Result<String> {
    until(&format!("message {n}"), ANSWER, || async {
        let url = address.clone().wait_for(Option::is_some).await?.clone().context("there is an address")?;
        let key = format!("message-{n}");
        let headers = [("prefer", "respond-async"), ("idempotency-key", key.as_str())];
        let response = client.send(Method::POST, &format!("{url}/f/counter"), &headers, "").await?;
        Ok(response.json::<Accepted>(202)?.id)
    })
    .await
}

type Sent = JoinSet<anyhow::Result<Vec<String>>>;

/// Kills workers, and now and then the server, until all is sent and counted. Gives how often, and the invocations.
async fn kill_until_done(
    server: &mut Server,
    client: &Client,
    place: &Place,
    senders: &mut Sent,
    mut random: Random,
) -> anyhow::Result<(u64, u64, Vec<String>)> {
    let (mut workers, mut servers, mut ids) = (0, 0, Vec::new());
    loop {
        tokio::time::sleep(random.millis(PAUSE_MS)).await;
        while let Some(done) = senders.try_join_next() {
            ids.extend(done??);
        }
        if senders.is_empty() && servers > 0 && observe::unfinished(client, &server.url()?).await? == 0 {
            ensure!(workers > 0, "everything was counted before a worker could be killed");
            return Ok((workers, servers, ids));
        }
        if random.percent(15) {
            server.kill().await?;
            server.start().await?;
            servers += 1;
        } else if kill_worker(server, place, &mut random).await? {
            workers += 1;
        }
    }
}

/// Kills a worker, or what keeps it in its sandbox, if there is one.
async fn kill_worker(server: &Server, place: &Place, random: &mut Random) -> anyhow::Result<bool> {
    match place {
        Place::Process => {
            let workers = server.processes()?;
            // One that is gone by now does not matter.
            Ok(random.one_of(&workers).is_some_and(|worker| kill_process(*worker, Signal::KILL).is_ok()))
        }
        Place::Container { engine, .. } => {
            let running = containers(engine, &[]).await?;
            let Some(id) = random.one_of(&running) else { return Ok(false) };
            Ok(docker(engine, &["kill", id]).await.is_ok())
        }
    }
}

/// The containers of any Tidemill that run on this engine; with `--all` also those that have ended.
async fn containers(engine: &Path, which: &[&str]) -> anyhow::Result<Vec<String>> {
    let listed = docker(engine, &[&["ps", "--quiet", "--filter", "label=tidemill.instance"], which].concat()).await?;
    Ok(listed.split_whitespace().map(str::to_owned).collect())
}

async fn docker(engine: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let host = format!("unix://{}", engine.display());
    let output = Command::new("docker").args(["--host", &host]).args(arguments).output().await.context("docker")?;
    ensure!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Each message was counted once. Gives how many attempts did not succeed.
async fn expect_count(client: &Client, url: &str, messages: u64, ids: Vec<String>) -> anyhow::Result<u64> {
    let state: State = client.get(&format!("{url}/v1/functions/counter/state")).await?.json(200)?;
    let count = state.value.count;
    ensure!(count == messages, "the counter is at {count}, not {messages}");
    let ids: BTreeSet<String> = ids.into_iter().collect();
    ensure!(ids.len() as u64 == messages, "{messages} messages share {} invocations", ids.len());
    let found = observe::invocations(client, url, ids).await?;
    let (mut counts, mut lost) = (BTreeSet::new(), 0);
    for (id, invocation) in &found {
        ensure!(invocation.status == "succeeded", "{id} is {}: {}", invocation.status, invocation.reason);
        lost += invocation.attempts.iter().filter(|attempt| attempt.outcome != "succeeded").count() as u64;
        let reply: Count = client.get(&format!("{url}/v1/invocations/{id}/result")).await?.json(200)?;
        counts.insert(reply.count);
    }
    ensure!(counts == (1..=messages).collect(), "the replies are not the numbers from 1 to {messages}: {counts:?}");
    Ok(lost)
}
