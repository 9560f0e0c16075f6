//! Cold starts: calls of a function without a worker, by the account of the invocation itself: how much of it was waiting for
//! a worker to start.

use std::time::Duration;

use anyhow::{Context, ensure};
use hyper::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use super::Bench;
use crate::{process, server::Server, until::until};

#[derive(Deserialize)]
struct Ended {
    timings: Timings,
}

#[derive(Deserialize)]
struct Timings {
    cold_start_us: u64,
}

#[derive(Deserialize)]
struct WorkerList {
    workers: Vec<Worker>,
}

#[derive(Deserialize)]
struct Worker {
    id: String,
}

/// A function that is called when it has no worker. It must have a history and may have one worker at most.
pub struct Sleeper<'a> {
    bench: &'a Bench,
    server: &'a Server,
    function: &'static str,
}

impl<'a> Sleeper<'a> {
    /// The function of this name.
    pub fn new(bench: &'a Bench, server: &'a Server, function: &'static str) -> Sleeper<'a> {
        Sleeper { bench, server, function }
    }

    fn url(&self) -> String {
        format!("{}/v1/functions/{}/workers", self.server.url, self.function)
    }

    /// Calls it: how long the start of its worker took.
    pub async fn call(&self) -> anyhow::Result<Duration> {
        let client = &self.bench.client;
        let url = format!("{}/f/{}", self.server.url, self.function);
        let response = client.send(Method::POST, &url, &[], super::BODY.to_vec()).await?;
        response.expect(200)?;
        let id = response.headers.get("tidemill-invocation-id").context("a reply names its invocation")?;
        let url = format!("{}/v1/invocations/{}", self.server.url, id.to_str()?);
        // The history of synchronous calls is written behind.
        let ended: Ended = until("the call is in the history", || async { client.get(&url).await?.json(200) }).await?;
        Ok(Duration::from_micros(ended.timings.cold_start_us))
    }

    async fn workers(&self) -> anyhow::Result<Vec<Worker>> {
        Ok(self.bench.client.get(&self.url()).await?.json::<WorkerList>(200)?.workers)
    }

    /// Has it lose its worker. Spare interpreters stay.
    pub async fn stop(&self) -> anyhow::Result<()> {
        for worker in self.workers().await? {
            let url = format!("{}/{}", self.url(), worker.id);
            self.bench.client.send(Method::DELETE, &url, &[], "").await?.expect(202)?;
        }
        self.until_gone().await
    }

    /// Kills its worker and all other processes of functions, spare interpreters too.
    pub async fn kill(&self) -> anyhow::Result<()> {
        until("no process is left", || async {
            let left = process::of_functions(self.server.id());
            for process in &left {
                if let Some(pid) = i32::try_from(*process).ok().and_then(Pid::from_raw) {
                    // One that has gone already is what is wanted.
                    let _gone = kill_process(pid, Signal::KILL);
                }
            }
            ensure!(left.is_empty(), "{left:?} live");
            Ok(())
        })
        .await?;
        self.until_gone().await
    }

    /// Waits until the server knows that it has no worker.
    async fn until_gone(&self) -> anyhow::Result<()> {
        until("the worker is gone", || async {
            let workers = self.workers().await?.len();
            ensure!(workers == 0, "{workers} are there");
            Ok(())
        })
        .await
    }
}
