//! Invocations.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use tidemill_api::{Accepted, Cancelled, InvocationDetail, InvocationPage, LogList, route};
use tidemill_core::{InvocationId, Timestamp};

use crate::{Client, Error, Reply, url::Target};

/// Which invocations to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvocationQuery {
    /// Of this function.
    pub function: Option<String>,
    /// In this status, as in `dead_lettered`.
    pub status: Option<String>,
    /// Received at or after.
    pub since: Option<Timestamp>,
    /// Received before.
    pub until: Option<Timestamp>,
    /// Older than this one: `next` of the page before.
    pub before: Option<InvocationId>,
    /// At most so many.
    pub limit: Option<u32>,
}

fn at(route: &str, id: InvocationId) -> Target {
    Target::new(route, &[&id.to_string()])
}

impl Client {
    /// Invocations, newest first.
    pub async fn invocations(&self, query: &InvocationQuery) -> Result<InvocationPage, Error> {
        let target = self
            .at(route::INVOCATIONS, &[])
            .with_some("function", query.function.as_ref())
            .with_some("status", query.status.as_ref())
            .with_some("since", query.since)
            .with_some("until", query.until)
            .with_some("before", query.before)
            .with_some("limit", query.limit);
        self.get(&target).await
    }

    /// One invocation with its attempts.
    pub async fn invocation(&self, id: InvocationId) -> Result<InvocationDetail, Error> {
        self.get(&at(route::INVOCATION, id)).await
    }

    /// One invocation, when it has ended or `timeout` has passed.
    pub async fn wait(&self, id: InvocationId, timeout: Duration) -> Result<InvocationDetail, Error> {
        self.get(&at(route::INVOCATION, id).with("wait", format!("{}ms", timeout.as_millis()))).await
    }

    /// The response of an invocation, as the function gave it.
    pub async fn result(&self, id: InvocationId) -> Result<Reply, Error> {
        let target = at(route::RESULT, id);
        let response = self.transport.send(Method::GET, target.as_str(), &[], Bytes::new()).await?;
        self.reply(response).await
    }

    /// The body of an invocation's event.
    pub async fn event(&self, id: InvocationId) -> Result<Bytes, Error> {
        let response = self.send(Method::GET, &at(route::EVENT, id), &[], Bytes::new()).await?;
        self.transport.collect(response.into_body()).await
    }

    /// The last `limit` log lines of an invocation, oldest first.
    pub async fn invocation_logs(&self, id: InvocationId, limit: u32) -> Result<LogList, Error> {
        self.get(&at(route::INVOCATION_LOGS, id).with("limit", limit)).await
    }

    /// Cancels an invocation.
    pub async fn cancel(&self, id: InvocationId) -> Result<Cancelled, Error> {
        self.post(&at(route::CANCEL, id)).await
    }

    /// Runs an invocation that has ended once more.
    pub async fn retry(&self, id: InvocationId) -> Result<Accepted, Error> {
        self.post(&at(route::RETRY, id)).await
    }
}
