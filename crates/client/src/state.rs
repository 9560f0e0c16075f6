//! The durable state of functions.

use bytes::Bytes;
use http::Method;
use tidemill_api::{State, StateList, StateVersion, route};

use crate::{Client, Error, url::Target};

/// The header by which a change names the version that it expects.
fn expecting(version: Option<u64>) -> Option<(String, String)> {
    version.map(|version| match version {
        0 => ("if-none-match".to_owned(), "*".to_owned()),
        version => ("if-match".to_owned(), format!("\"{version}\"")),
    })
}

impl Client {
    fn state_at(&self, function: &str, key: &str) -> Target {
        match key {
            "" => self.at(route::STATE, &[function]),
            key => self.at(route::KEY_STATE, &[function, key]),
        }
    }

    /// The state of a function, or of one key of it; the key is empty for a function with one state.
    pub async fn state(&self, function: &str, key: &str) -> Result<State, Error> {
        self.get(&self.state_at(function, key)).await
    }

    /// The keys of a function that have state, in order: at most `limit` of those after `after`.
    pub async fn states(&self, function: &str, after: Option<&str>, limit: u32) -> Result<StateList, Error> {
        let target = self.at(route::STATES, &[function]).with_some("after", after).with("limit", limit);
        self.get(&target).await
    }

    /// Replaces a state with JSON; with `expected` only that version (0: there is none). Returns the new version.
    pub async fn put_state(
        &self,
        function: &str,
        key: &str,
        value: impl Into<Bytes>,
        expected: Option<u64>,
    ) -> Result<u64, Error> {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(expecting(expected));
        let response = self.send(Method::PUT, &self.state_at(function, key), &headers, value.into()).await?;
        Ok(self.json::<StateVersion>(response).await?.version)
    }

    /// Deletes a state; with `expected` only that version.
    pub async fn delete_state(&self, function: &str, key: &str, expected: Option<u64>) -> Result<(), Error> {
        let headers: Vec<_> = expecting(expected).into_iter().collect();
        self.send(Method::DELETE, &self.state_at(function, key), &headers, Bytes::new()).await.map(|_| ())
    }
}
