//! Requests over HTTP/1.1, and nothing about what they mean.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::{
    client::legacy::{Client as Legacy, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::de::DeserializeOwned;

/// No answer takes longer. It is longer than any stop of the server, so that only a dead server leaves a request without
/// an answer: what a dead server had read is gone with it and cannot be accepted later, behind what came after it.
const ANSWER: Duration = Duration::from_secs(90);

/// An answer, complete.
#[derive(Clone, Debug)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Response {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, when the status is `status`.
    pub fn json<T: DeserializeOwned>(&self, status: u16) -> anyhow::Result<T> {
        ensure!(self.status.as_u16() == status, "{} instead of {status}: {}", self.status, self.text());
        serde_json::from_slice(&self.body).with_context(|| format!("the body is not as expected: {}", self.text()))
    }

    /// A header, when it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A client with kept connections. Clones share them.
#[derive(Clone)]
pub struct Client {
    inner: Legacy<HttpConnector, Full<Bytes>>,
}

impl Default for Client {
    fn default() -> Self {
        Client::new()
    }
}

impl Client {
    /// A client without connections.
    pub fn new() -> Client {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        // A request is never sent twice by itself: a repeated submission would be an invocation too many.
        let inner = Legacy::builder(TokioExecutor::new()).retry_canceled_requests(false).build(connector);
        Client { inner }
    }

    /// Sends a request and reads the answer. An error means that it is unknown whether the server acted.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Response> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).context("the request is malformed")?;
        let answer = async {
            let response = self.inner.request(request).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Response { status: parts.status, headers: parts.headers, body })
        };
        match tokio::time::timeout(ANSWER, answer).await {
            Ok(answer) => answer,
            Err(_) => bail!("no answer from {url} within {ANSWER:?}"),
        }
    }

    /// A GET.
    pub async fn get(&self, url: &str) -> anyhow::Result<Response> {
        self.send(Method::GET, url, &[], Bytes::new()).await
    }
}
