//! A client with slots, as the engine sees it.

use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tidemill_core::{
    Event, InvocationId,
    invocation::AttemptOutcome,
    ports::{Call, CallEnd, CallOutcome, Launch, Place, Worker, WorkerId},
};

use super::request::{headers, line, outcome, raised};
use crate::{
    logs::LogBuffer,
    open_calls::{Limit, OpenCalls},
};

/// Requests that one worker has open at once.
const SLOTS: u32 = 16;
/// How long a function without an event timeout waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// See the module.
pub(super) struct WebhookWorker {
    client: reqwest::Client,
    url: reqwest::Url,
    launch: Launch,
    calls: OpenCalls,
}

impl WebhookWorker {
    pub fn new(client: reqwest::Client, url: reqwest::Url, launch: Launch) -> WebhookWorker {
        WebhookWorker { client, url, launch, calls: OpenCalls::default() }
    }

    async fn post(&self, event: &Event, attempt: u32, logs: &Mutex<LogBuffer>) -> CallOutcome {
        let request = self.client.post(self.url.clone()).headers(headers(event, &self.launch.function, attempt));
        match request.body(event.body.clone()).send().await {
            Ok(response) => outcome(response, logs).await,
            Err(error) => {
                let what = if error.is_connect() { "could not be reached" } else { "gave no answer" };
                raised(format!("the webhook {what}: {}", line(&error)))
            }
        }
    }

    async fn post_all(&self, call: &Call, logs: &Mutex<LogBuffer>) -> CallOutcome {
        let mut replies = Vec::with_capacity(call.events.len());
        for event in &call.events {
            match self.post(event, call.attempt, logs).await {
                CallOutcome::Replied(reply) => replies.extend(reply),
                other => return other,
            }
        }
        CallOutcome::Replied(replies)
    }
}

#[async_trait]
impl Worker for WebhookWorker {
    fn id(&self) -> &WorkerId {
        &self.launch.worker
    }

    fn slots(&self) -> u32 {
        SLOTS
    }

    async fn call(&self, call: &Call) -> CallEnd {
        let limit = match call.timeout {
            Some(timeout) => Limit { timeout: Some(timeout), named: "its event timeout" },
            None => Limit { timeout: Some(TIMEOUT), named: "a webhook's time limit" },
        };
        let logs = Mutex::<LogBuffer>::default();
        let mut end = self.calls.run(call, limit, self.post_all(call, &logs)).await;
        end.logs = logs.into_inner().into_lines();
        end
    }

    fn is_alive(&self) -> bool {
        !self.calls.gone.is_cancelled()
    }

    fn place(&self) -> Place {
        let mut url = self.url.clone();
        // What follows the address may be a password.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        url.set_query(None);
        Place { driver: "webhook".to_owned(), image: String::new(), instance: url.to_string() }
    }

    async fn gone(&self) {
        self.calls.gone.cancelled().await;
    }

    async fn stop(&self, grace: Duration) {
        self.calls.stop(grace).await;
    }

    async fn cancel(&self, invocation: InvocationId) {
        self.calls.cut(AttemptOutcome::Cancelled, "it was cancelled", |open| open == invocation);
    }
}
