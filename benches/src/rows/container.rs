//! Containers: what an execution costs beside `docker run --rm` of the same image, what a call of a container that is already
//! there costs beside a process, and how many messages an actor's inbox takes.
//!
//! The engine is one of its own that `scripts/docker-engine` starts and ends; it has no bridge, so neither side makes a network.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use hyper::Method;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use super::{BODY, Bench, PYTHON};
use crate::{
    latency::{Latencies, median},
    load::{self, Plan},
    server::Server,
    table::{Row, short, thousands},
};

/// Executions measured, and as many of `docker run`.
const EXECUTIONS: usize = 30;
/// The image with a shell, and the one with Python in it.
const SHELL_IMAGE: &str = "tidemill-bench-shell";
const PYTHON_IMAGE: &str = "tidemill-bench-python";
const CLIENTS: usize = 64;

#[derive(Deserialize)]
struct Registered {
    result: Actor,
}

#[derive(Deserialize)]
struct Actor {
    id: String,
}

/// A Docker engine of our own, ended when this is dropped. Its folder has a short name: sockets lie in it.
struct Engine {
    directory: TempDir,
    socket: String,
}

impl Engine {
    fn start() -> anyhow::Result<Engine> {
        let directory = tempfile::Builder::new().prefix("tidemill-bench-").tempdir_in("/tmp")?;
        let socket = script("docker-engine", &["start".as_ref(), directory.path().as_os_str()])?.trim().to_owned();
        Ok(Engine { directory, socket })
    }

    fn address(&self) -> String {
        format!("unix://{}", self.socket)
    }

    /// Makes the two images.
    fn make_images(&self) -> anyhow::Result<()> {
        let directory = self.directory.path().as_os_str();
        script("docker-engine", &["image".as_ref(), directory, SHELL_IMAGE.as_ref()])?;
        script("docker-python-image", &[self.socket.as_ref(), PYTHON_IMAGE.as_ref()])?;
        Ok(())
    }

    fn docker(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let output = Command::new("docker").args(["--host", &self.address()]).args(arguments).output()?;
        ensure!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = script("docker-engine", &["stop".as_ref(), self.directory.path().as_os_str()]);
    }
}

/// Runs a script of the project; gives what it prints.
fn script(name: &str, arguments: &[&std::ffi::OsStr]) -> anyhow::Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts").join(name);
    let output = Command::new(&path).args(arguments).output().with_context(|| format!("{}", path.display()))?;
    ensure!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Adds the rows.
pub async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let engine = Engine::start()?;
    engine.make_images()?;
    let tidemill = Server::tidemill_in(&bench.client, None, &[("DOCKER_HOST", &engine.address())]).await?;
    executions(bench, &engine, &tidemill).await?;
    warm(bench, &tidemill).await?;
    inbox(bench, &tidemill).await
}

/// One container an execution, against the same with Docker's own command.
async fn executions(bench: &mut Bench, engine: &Engine, tidemill: &Server) -> anyhow::Result<()> {
    let container = json!({"image": SHELL_IMAGE, "command": ["true"], "pull": "never"});
    let manifest = json!({"metadata": {"name": "once"}, "spec": {"runtime": "image", "container": container}});
    bench.client.deploy(&tidemill.url, &manifest, "none", "").await?;
    let call = async || -> anyhow::Result<u64> {
        let started = Instant::now();
        bench.client.send(Method::POST, &format!("{}/f/once", tidemill.url), &[], "").await?.expect(200)?;
        Ok(u64::try_from(started.elapsed().as_nanos())?)
    };
    call().await.context("the first execution")?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..EXECUTIONS {
        ours.push(call().await?);
        let started = Instant::now();
        engine.docker(&["run", "--rm", SHELL_IMAGE, "true"])?;
        theirs.push(u64::try_from(started.elapsed().as_nanos())?);
    }
    let (ours, theirs) = (Latencies::new(ours), Latencies::new(theirs));
    let ratio = ours.p50().as_secs_f64() / theirs.p50().as_secs_f64();
    let spread = |times: &Latencies| format!("p50 {}, p99 {}", short(times.p50()), short(times.p99()));
    bench.table.rows.push(Row::new("docker run --rm, the same image", spread(&theirs)));
    bench.table.rows.push(
        Row::new("container execution", spread(&ours))
            .ratio(format!("{ratio:.2} of docker run"))
            .bound("≤ 1.10 of docker run", ratio <= 1.1),
    );
    Ok(())
}

/// Calls of a Python worker that is there already: in a container, and as a process.
async fn warm(bench: &mut Bench, tidemill: &Server) -> anyhow::Result<()> {
    let container = json!({"container": {"image": PYTHON_IMAGE, "pull": "never"}, "minReplicas": 1, "maxReplicas": 1});
    let process = json!({"minReplicas": 1, "maxReplicas": 1});
    for (name, more) in [("contained", container), ("process", process)] {
        bench.deploy(tidemill, name, "python", ("main.py", PYTHON), more).await?;
    }
    let plan = |name: &str| -> anyhow::Result<Plan> {
        let request = load::post(&format!("/f/{name}"), &["Content-Type: application/octet-stream"], &BODY);
        Ok(Plan { address: tidemill.address()?, request, status: 200, connections: 1, time: bench.round })
    };
    let (mut contained, mut processes) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        contained.push(load::run(&plan("contained")?).await?.latencies.p50().as_secs_f64());
        processes.push(load::run(&plan("process")?).await?.latencies.p50().as_secs_f64());
    }
    let (contained, processes) = (median(contained), median(processes));
    let time = |seconds| short(Duration::from_secs_f64(seconds));
    bench.table.rows.push(Row::new("warm call, Python in a process, 1 connection", format!("p50 {}", time(processes))));
    bench.table.rows.push(
        Row::new("warm call, Python in a container, 1 connection", format!("p50 {}", time(contained)))
            .ratio(format!("{:.2} of the process", contained / processes)),
    );
    Ok(())
}

/// Messages accepted for an actor that does not run (its image cannot be had), and events for a paused function.
async fn inbox(bench: &mut Bench, tidemill: &Server) -> anyhow::Result<()> {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let url = format!("{}/actors", tidemill.url);
    let registered = bench.client.send(Method::POST, &url, &headers, "image=tidemill-bench-none").await?;
    let actor: Registered = registered.json(200)?;
    bench.deploy_python(tidemill, "paused", json!({})).await?;
    let pause = format!("{}/v1/functions/paused/pause", tidemill.url);
    ensure!(bench.client.send(Method::POST, &pause, &[], "").await?.status < 300, "the function could not be paused");

    let form = "Content-Type: application/x-www-form-urlencoded";
    let path = format!("/actors/{}/messages", actor.result.id);
    let message = load::post(&path, &[form], &[b"message=", &BODY[..]].concat());
    let event = load::post("/f/paused", &["Content-Type: application/octet-stream", "Prefer: respond-async"], &BODY);
    let plan = |request, status| -> anyhow::Result<Plan> {
        Ok(Plan { address: tidemill.address()?, request, status, connections: CLIENTS, time: bench.round })
    };
    let (mut messages, mut events) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        messages.push(load::run(&plan(message.clone(), 200)?).await?.rate);
        events.push(load::run(&plan(event.clone(), 202)?).await?.rate);
    }
    let (messages, events) = (median(messages), median(events));
    bench.table.rows.push(
        Row::new(
            format!("messages accepted by an actor, {CLIENTS} clients, fsync"),
            format!("{} /s", thousands(messages)),
        )
        .ratio(format!("{:.2} of events accepted by a function, {} /s", messages / events, thousands(events))),
    );
    Ok(())
}
