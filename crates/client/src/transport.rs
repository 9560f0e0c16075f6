//! Requests and responses as bytes.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tidemill_api::PROBLEM_MEDIA_TYPE;

use crate::Error;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest problem document that is read, in bytes.
const PROBLEM_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Sends requests to one server.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    http: Client<HttpConnector, Full<Bytes>>,
    /// Scheme and authority, as in `http://127.0.0.1:7070`.
    pub(crate) base: String,
    /// The header that says who makes requests. Its `Debug` does not show it.
    pub(crate) authorization: Option<HeaderValue>,
}

/// The innermost cause of an error says most.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl Transport {
    pub(crate) fn new(url: &str) -> Result<Transport, Error> {
        let invalid = |reason: String| Error::Url { url: url.to_owned(), reason };
        let uri: http::Uri = url.parse().map_err(|error: http::uri::InvalidUri| invalid(error.to_string()))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some(scheme) => return Err(invalid(format!("the scheme {scheme} is not spoken, http is"))),
            None => return Err(invalid("it has no scheme".to_owned())),
        }
        let authority = uri.authority().ok_or_else(|| invalid("it has no host".to_owned()))?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(invalid("it has a path".to_owned()));
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let http = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Transport { http, base: format!("http://{authority}"), authorization: None })
    }

    /// Sends a request; whatever comes back is a response.
    pub(crate) async fn send(
        &self,
        method: Method,
        target: &str,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Result<Response<Incoming>, Error> {
        let unusable = |what: &str| Error::Request(format!("{what} cannot be sent"));
        let mut request = Request::builder().method(method).uri(format!("{}{target}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization.clone());
        }
        for (name, value) in headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable(&format!("the header name {name:?}")))?;
            let value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| unusable(&format!("the value {value:?} of header {name}")))?;
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|error| unusable(&format!("{target:?} ({error})")))?;
        self.http.request(request).await.map_err(|error| {
            let (url, reason) = (self.base.clone(), cause(&error));
            if error.is_connect() { Error::Unreachable { url, reason } } else { Error::Broken { url, reason } }
        })
    }

    /// Reads a body whole.
    pub(crate) async fn collect(&self, body: Incoming) -> Result<Bytes, Error> {
        let collected = body.collect().await;
        Ok(collected.map_err(|error| self.broken(&error))?.to_bytes())
    }

    /// What a body that ends too early means.
    pub(crate) fn broken(&self, error: &dyn std::error::Error) -> Error {
        Error::Broken { url: self.base.clone(), reason: cause(error) }
    }

    /// The error that a response without success is.
    pub(crate) async fn refusal(&self, response: Response<Incoming>) -> Error {
        let status = response.status();
        let is_problem = is_problem(&response);
        let body = match http_body_util::Limited::new(response.into_body(), PROBLEM_BYTES_MAX).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) => return self.broken(error.as_ref()),
        };
        match serde_json::from_slice(&body) {
            Ok(problem) if is_problem => Error::Problem(problem),
            Ok(_) | Err(_) => self.unexpected(format!("status {status}")),
        }
    }

    /// An answer that is not understood.
    pub(crate) fn unexpected(&self, reason: impl Into<String>) -> Error {
        Error::Unexpected { url: self.base.clone(), reason: reason.into() }
    }
}

/// Whether a response is a problem document.
pub(crate) fn is_problem<B>(response: &Response<B>) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|content_type| content_type.starts_with(PROBLEM_MEDIA_TYPE))
}
