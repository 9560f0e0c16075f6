//! The server as a whole.

use bytes::Bytes;
use http::Method;
use tidemill_api::{Status, route};

use crate::{Client, Error, url::Target};

impl Client {
    /// What the server is and how it is doing.
    pub async fn status(&self) -> Result<Status, Error> {
        self.get(&self.at(route::STATUS, &[])).await
    }

    /// Fails unless the process lives.
    pub async fn live(&self) -> Result<(), Error> {
        self.text(route::LIVEZ).await.map(|_| ())
    }

    /// Fails unless the server can serve.
    pub async fn ready(&self) -> Result<(), Error> {
        self.text(route::READYZ).await.map(|_| ())
    }

    /// Metrics in Prometheus' text form.
    pub async fn metrics(&self) -> Result<String, Error> {
        self.text(route::METRICS).await
    }

    /// The OpenAPI document.
    pub async fn openapi(&self) -> Result<serde_json::Value, Error> {
        self.get(&Target::new(route::OPENAPI, &[])).await
    }

    async fn text(&self, route: &str) -> Result<String, Error> {
        let response = self.send(Method::GET, &Target::new(route, &[]), &[], Bytes::new()).await?;
        let body = self.transport.collect(response.into_body()).await?;
        String::from_utf8(body.into()).map_err(|error| self.transport.unexpected(error.to_string()))
    }
}
