//! The client itself; the methods for each resource are in the modules beside this one.

use bytes::Bytes;
use http::{HeaderValue, Method, Response};
use hyper::body::Incoming;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, transport::Transport, url::Target};

/// A client of one server, for one project. Cloning is cheap; clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) transport: Transport,
    project: Option<String>,
}

impl Client {
    /// A client of the server at `url`, as in `http://127.0.0.1:7070`. Connects when it is used.
    pub fn new(url: &str) -> Result<Client, Error> {
        Ok(Client { transport: Transport::new(url)?, project: None })
    }

    /// The same for a project other than the default one.
    #[must_use]
    pub fn project(mut self, name: impl ToString) -> Client {
        self.project = Some(name.to_string()).filter(|name| name != "default");
        self
    }

    /// The same with a token that says who makes the requests.
    pub fn token(mut self, token: &str) -> Result<Client, Error> {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut value =
            value.map_err(|_| Error::Request("the token cannot be sent: it holds odd characters".to_owned()))?;
        value.set_sensitive(true);
        self.transport.authorization = Some(value);
        Ok(self)
    }

    /// The address of the server, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.transport.base
    }

    /// A route of the client's project.
    pub(crate) fn at(&self, route: &str, members: &[&str]) -> Target {
        Target::new(route, members).with_some("project", self.project.as_ref())
    }

    /// Sends a request and demands success.
    pub(crate) async fn send(
        &self,
        method: Method,
        target: &Target,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Result<Response<Incoming>, Error> {
        let response = self.transport.send(method, target.as_str(), headers, body).await?;
        if response.status().is_success() { Ok(response) } else { Err(self.transport.refusal(response).await) }
    }

    /// Reads a response's JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, response: Response<Incoming>) -> Result<T, Error> {
        let body = self.transport.collect(response.into_body()).await?;
        serde_json::from_slice(&body).map_err(|error| self.transport.unexpected(error.to_string()))
    }

    /// `GET`s JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&self, target: &Target) -> Result<T, Error> {
        let response = self.send(Method::GET, target, &[], Bytes::new()).await?;
        self.json(response).await
    }

    /// `POST`s nothing, gets JSON.
    pub(crate) async fn post<T: DeserializeOwned>(&self, target: &Target) -> Result<T, Error> {
        let response = self.send(Method::POST, target, &[], Bytes::new()).await?;
        self.json(response).await
    }

    /// `POST`s JSON, gets JSON.
    pub(crate) async fn post_json<T: DeserializeOwned>(
        &self,
        target: &Target,
        value: &impl Serialize,
    ) -> Result<T, Error> {
        self.send_json(Method::POST, target, value).await
    }

    /// Sends JSON, gets JSON.
    pub(crate) async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &Target,
        value: &impl Serialize,
    ) -> Result<T, Error> {
        let body = serde_json::to_vec(value).map_err(|error| Error::Request(error.to_string()))?;
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let response = self.send(method, target, &headers, body.into()).await?;
        self.json(response).await
    }

    /// `DELETE`s.
    pub(crate) async fn remove(&self, target: &Target) -> Result<(), Error> {
        self.send(Method::DELETE, target, &[], Bytes::new()).await.map(|_| ())
    }
}
