//! The server's own account of what happened, read through its API.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use crate::{
    checker::{Attempt, Invocation},
    http::Client,
    until::until,
};

/// How many questions are open at once.
const AT_ONCE: usize = 16;

#[derive(Deserialize)]
struct Queues {
    queues: Vec<Queue>,
}

#[derive(Deserialize)]
struct Queue {
    queued: u64,
    running: u64,
}

#[derive(Deserialize)]
struct Page {
    invocations: Vec<Listed>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
}

#[derive(Deserialize)]
struct Detail {
    function: String,
    status: String,
    reason: String,
    #[serde(default)]
    idempotency_key: Option<String>,
    #[serde(default)]
    parent: Option<String>,
    attempts: u32,
    attempt_list: Vec<Ended>,
}

#[derive(Deserialize)]
struct Ended {
    number: u32,
    outcome: String,
}

/// How many invocations have not ended.
pub async fn unfinished(client: &Client, url: &str) -> anyhow::Result<u64> {
    let queues: Queues = client.get(&format!("{url}/v1/queues")).await?.json(200)?;
    Ok(queues.queues.iter().map(|queue| queue.queued + queue.running).sum())
}

/// Waits until nothing is queued or running.
pub async fn until_settled(client: &Client, url: &str, deadline: Duration) -> anyhow::Result<()> {
    until("everything is settled", deadline, || async {
        let unfinished = unfinished(client, url).await?;
        ensure!(unfinished == 0, "{unfinished} invocations have not ended");
        Ok(())
    })
    .await
}

/// The ids of all invocations.
pub async fn ids(client: &Client, url: &str) -> anyhow::Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    let mut before = String::new();
    loop {
        let page: Page = client.get(&format!("{url}/v1/invocations?limit=500{before}")).await?.json(200)?;
        ids.extend(page.invocations.into_iter().map(|listed| listed.id));
        match page.next {
            Some(next) => before = format!("&before={next}"),
            None => return Ok(ids),
        }
    }
}

/// Each of these invocations that the server knows.
pub async fn invocations(
    client: &Client,
    url: &str,
    ids: BTreeSet<String>,
) -> anyhow::Result<BTreeMap<String, Invocation>> {
    let found: Vec<Option<(String, Invocation)>> = stream::iter(ids)
        .map(|id| async move {
            let found = invocation(client, url, &id).await.with_context(|| format!("invocation {id}"))?;
            anyhow::Ok(found.map(|invocation| (id, invocation)))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

/// One invocation; `None` when the server does not know it.
pub async fn invocation(client: &Client, url: &str, id: &str) -> anyhow::Result<Option<Invocation>> {
    let response = client.get(&format!("{url}/v1/invocations/{id}")).await?;
    if response.status.as_u16() == 404 {
        return Ok(None);
    }
    let detail: Detail = response.json(200)?;
    let attempts = detail.attempt_list.into_iter();
    Ok(Some(Invocation {
        function: detail.function,
        status: detail.status,
        reason: detail.reason,
        idempotency_key: detail.idempotency_key,
        parent: detail.parent,
        begun: detail.attempts,
        attempts: attempts.map(|ended| Attempt { number: ended.number, outcome: ended.outcome }).collect(),
    }))
}
