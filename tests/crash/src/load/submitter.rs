//! What all submitters share: one request, and what its answer means.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    history::{Asked, History},
    http::{Client, Response},
    random::Random,
};

/// How long a handler works.
const WORK_MS: std::ops::Range<u64> = 0..15;
/// So many of the events without a key are not to run at once.
const DELAYED_PERCENT: u64 = 5;
/// How long a submitter rests between requests.
const REST_MS: std::ops::Range<u64> = 20..120;

/// What a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Accepted.
    Promised,
    /// Not accepted.
    Refused,
    /// Nobody knows.
    Unanswered,
}

/// The answer to one accepted event.
#[derive(Deserialize)]
struct Accepted {
    id: String,
}

/// The answer to an accepted batch.
#[derive(Deserialize)]
struct AcceptedBatch {
    invocations: Vec<Accepted>,
}

/// Hands events to the server and records what comes of it.
pub struct Submitter {
    /// Its name, with which its payloads and keys begin.
    pub name: String,
    /// Its chance.
    pub random: Random,
    client: Client,
    address: watch::Receiver<Option<String>>,
    stop: watch::Receiver<bool>,
    history: Arc<History>,
    made: u64,
}

impl Submitter {
    /// A submitter that has made no event yet.
    pub fn new(
        name: &str,
        client: Client,
        address: watch::Receiver<Option<String>>,
        stop: watch::Receiver<bool>,
        history: Arc<History>,
        random: Random,
    ) -> Submitter {
        Submitter { name: name.to_owned(), random, client, address, stop, history, made: 0 }
    }

    /// A new event, recorded as asked.
    pub fn event(&mut self, function: &str, key: &str, n: u64, is_idempotent: bool) -> Asked {
        self.made += 1;
        let payload = format!("{}-{}", self.name, self.made);
        let idempotency_key = is_idempotent.then(|| format!("once-{payload}"));
        let asked = Asked { function: function.to_owned(), payload, key: key.to_owned(), n, idempotency_key };
        self.history.asked(&asked);
        asked
    }

    /// Rests; false when it is time to stop.
    pub async fn rest(&mut self) -> bool {
        let time = self.random.millis(REST_MS);
        tokio::select! {
            biased;
            () = stopped(&mut self.stop) => false,
            () = tokio::time::sleep(time) => true,
        }
    }

    /// Hands over one event.
    pub async fn submit(&mut self, asked: &Asked) -> Answer {
        let body = self.body(asked).to_string();
        let mut headers = vec![("content-type", "application/json"), ("prefer", "respond-async")];
        if let Some(key) = &asked.idempotency_key {
            headers.push(("idempotency-key", key));
        }
        if !asked.key.is_empty() {
            headers.push(("tidemill-key", &asked.key));
        }
        if asked.key.is_empty() && chance(asked).percent(DELAYED_PERCENT) {
            headers.push(("tidemill-delay", "2s"));
        }
        let response = self.post(&format!("/f/{}", asked.function), &headers, body).await;
        let asked = std::slice::from_ref(asked);
        self.conclude(asked, response, |response| Ok(vec![response.json::<Accepted>(202)?]))
    }

    /// Hands over several events of one function at once.
    pub async fn submit_all(&mut self, function: &str, asked: &[Asked]) -> Answer {
        let items: Vec<Value> = asked
            .iter()
            .map(|asked| {
                let mut item = json!({"json": self.body(asked)});
                if !asked.key.is_empty() {
                    item["key"] = json!(asked.key);
                }
                item
            })
            .collect();
        let path = format!("/v1/functions/{function}/invocations/batch");
        let response = self.post(&path, &[("content-type", "application/json")], json!(items).to_string()).await;
        self.conclude(asked, response, |response| Ok(response.json::<AcceptedBatch>(202)?.invocations))
    }

    fn body(&self, asked: &Asked) -> Value {
        let work_ms = chance(asked).within(WORK_MS);
        json!({"payload": asked.payload, "key": asked.key, "n": asked.n, "work_ms": work_ms})
    }

    async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: String) -> anyhow::Result<Response> {
        let url = tokio::select! {
            biased;
            () = stopped(&mut self.stop) => bail!("it is time to stop"),
            url = self.address.wait_for(Option::is_some) => url?.clone().context("the server has an address")?,
        };
        let response = self.client.send(Method::POST, &format!("{url}{path}"), headers, body).await;
        if response.is_err() {
            // The address may be of a life that ended just now: no hurry to ask it again.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        response
    }

    /// Records what a request came to.
    fn conclude(
        &self,
        asked: &[Asked],
        response: anyhow::Result<Response>,
        accepted: impl FnOnce(&Response) -> anyhow::Result<Vec<Accepted>>,
    ) -> Answer {
        match response {
            Err(error) => {
                asked.iter().for_each(|asked| self.history.unanswered(&asked.payload, &error));
                Answer::Unanswered
            }
            Ok(response) => match accepted(&response) {
                Ok(accepted) if accepted.len() == asked.len() => {
                    for (asked, accepted) in asked.iter().zip(accepted) {
                        self.history.promised(&asked.payload, &accepted.id);
                    }
                    Answer::Promised
                }
                _ => {
                    let (status, text) = (response.status.as_u16(), response.text());
                    asked.iter().for_each(|asked| self.history.refused(&asked.payload, status, &text));
                    Answer::Refused
                }
            },
        }
    }
}

/// The same event is always the same, as it is when a caller sends it again: what is left to chance depends on its payload.
fn chance(asked: &Asked) -> Random {
    Random::new(asked.payload.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))))
        .part(0)
}

/// Comes back when it is time to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could say so: then it is time too.
    let _gone = stop.wait_for(|stop| *stop).await;
}
