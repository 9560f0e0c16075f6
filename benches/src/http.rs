//! Single requests, for everything that is not measured by the load generator.

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Request};
use hyper_util::{
    client::legacy::{Client as Legacy, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// An answer, complete.
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Response {
    /// The body as JSON, when the status is `status`.
    pub fn json<T: DeserializeOwned>(&self, status: u16) -> anyhow::Result<T> {
        self.expect(status)?;
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// An error unless the status is `status`.
    pub fn expect(&self, status: u16) -> anyhow::Result<()> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.text());
        Ok(())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A client with kept connections.
#[derive(Clone)]
pub struct Client {
    inner: Legacy<HttpConnector, Full<Bytes>>,
}

impl Default for Client {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Client { inner: Legacy::builder(TokioExecutor::new()).build(connector) }
    }
}

impl Client {
    /// Sends a request and reads the answer.
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
        let response = self.inner.request(request.body(Full::new(body.into()))?).await.context(url.to_owned())?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// A GET.
    pub async fn get(&self, url: &str) -> anyhow::Result<Response> {
        self.send(Method::GET, url, &[], Bytes::new()).await
    }

    /// Deletes a function.
    pub async fn delete(&self, url: &str, function: &str) -> anyhow::Result<()> {
        let response = self.send(Method::DELETE, &format!("{url}/v1/functions/{function}"), &[], "").await?;
        ensure!(matches!(response.status, 200..=299), "not deleted: {} {}", response.status, response.text());
        Ok(())
    }

    /// Deploys a function made of a `function.yaml` and one source file.
    pub async fn deploy(&self, url: &str, manifest: &Value, file: &str, source: &str) -> anyhow::Result<()> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, content) in [("function.yaml", manifest.to_string().as_bytes()), (file, source.as_bytes())] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o755);
            archive.append_data(&mut header, name, content)?;
        }
        const BOUNDARY: &str = "tidemill-benches-boundary";
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"overrides\"\r\n\
             Content-Type: application/json\r\n\r\n{{}}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"package\"; filename=\"package.tar\"\r\n\
             Content-Type: application/x-tar\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(&archive.into_inner()?);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let headers = [("content-type", content_type.as_str()), ("accept", "application/json")];
        let response = self.send(Method::POST, &format!("{url}/v1/functions"), &headers, body).await?;
        ensure!(matches!(response.status, 200 | 201), "not deployed: {} {}", response.status, response.text());
        Ok(())
    }
}
