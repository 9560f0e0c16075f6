//! Invoking functions.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, header as http_header};
use hyper::body::Incoming;
use tidemill_api::{Accepted, AcceptedBatch, BatchItem, header, route};
use uuid::Uuid;

use crate::{Client, Error, transport};

/// An event for a function, and how it is to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The method that the function sees; empty is `POST`.
    pub method: String,
    /// The path that the function sees; empty is `/`.
    pub path: String,
    /// The query string that the function sees, without `?`.
    pub query: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The media type of the body; empty sends none.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
    /// Run no earlier than after this time. Makes the call asynchronous.
    pub delay: Option<Duration>,
    /// Run one after the other with others of this key.
    pub key: Option<String>,
    /// The first answer to this key is the answer to all.
    pub idempotency_key: Option<String>,
}

/// What a function answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status. 202 of a function that is asynchronous means that the event is on disk.
    pub status: u16,
    /// Media type of the body.
    pub content_type: String,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// The invocation.
    pub invocation: Option<Uuid>,
    /// Whether it was given before, to the same idempotency key.
    pub replayed: bool,
}

impl Reply {
    /// The value of the header `name`, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Call {
    fn headers(&self) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        let mut set = |name: &str, value: String| {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            headers.push((name.to_owned(), value));
        };
        if !self.content_type.is_empty() {
            set("content-type", self.content_type.clone());
        }
        if let Some(delay) = self.delay {
            set(header::DELAY, format!("{}ms", delay.as_millis()));
        }
        if let Some(key) = &self.key {
            set(header::KEY, key.clone());
        }
        if let Some(key) = &self.idempotency_key {
            set(header::IDEMPOTENCY_KEY, key.clone());
        }
        headers
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

impl Client {
    /// Invokes a function and gives its response, whatever its status. Refusals of the server are [`Error::Problem`].
    pub async fn invoke(&self, name: &str, call: Call) -> Result<Reply, Error> {
        let headers = call.headers();
        self.run(name, call, headers).await
    }

    /// Submits an event: when this returns, it is on disk.
    pub async fn submit(&self, name: &str, call: Call) -> Result<Accepted, Error> {
        let mut headers = call.headers();
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(header::PREFER));
        headers.push((header::PREFER.to_owned(), "respond-async".to_owned()));
        let reply = self.run(name, call, headers).await?;
        serde_json::from_slice(&reply.body).map_err(|error| self.transport.unexpected(error.to_string()))
    }

    async fn run(&self, name: &str, call: Call, headers: Vec<(String, String)>) -> Result<Reply, Error> {
        let target = self
            .at(route::INVOKE, &[name])
            .with_some("method", some(&call.method))
            .with_some("path", some(&call.path))
            .with_some("query", some(&call.query));
        let response = self.transport.send(Method::POST, target.as_str(), &headers, call.body).await?;
        self.reply(response).await
    }

    /// Submits many events; all are on disk when this returns.
    pub async fn submit_batch(&self, name: &str, items: &[BatchItem]) -> Result<AcceptedBatch, Error> {
        self.post_json(&self.at(route::INVOKE_BATCH, &[name]), &items).await
    }

    /// Sends any request, as to a function's own address: `target` is a path with its query.
    pub async fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: impl Into<Bytes>,
    ) -> Result<Reply, Error> {
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| Error::Request(format!("{method:?} is not a method")))?;
        let response = self.transport.send(method, target, headers, body.into()).await?;
        self.read(response).await
    }

    /// A response of a function; a problem document that is not a function's is an error.
    pub(crate) async fn reply(&self, response: Response<Incoming>) -> Result<Reply, Error> {
        let is_of_function = response.headers().contains_key(header::INVOCATION_ID);
        if !is_of_function && (transport::is_problem(&response) || !response.status().is_success()) {
            return Err(self.transport.refusal(response).await);
        }
        self.read(response).await
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Reply, Error> {
        let (parts, body) = response.into_parts();
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let find = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        Ok(Reply {
            status: parts.status.as_u16(),
            content_type: find(http_header::CONTENT_TYPE.as_str()).unwrap_or_default().to_owned(),
            invocation: find(header::INVOCATION_ID).and_then(|id| id.parse().ok()),
            replayed: find(header::IDEMPOTENCY_REPLAYED) == Some("true"),
            body: self.transport.collect(body).await?,
            headers,
        })
    }
}
