//! Functions, revisions, logs.

use bytes::Bytes;
use http::Method;
use tidemill_api::{Deployed, Function, FunctionList, LogList, RevisionList, Rollback, route};

use crate::{Client, Error, LogStream};

impl Client {
    /// The functions of the project, by name.
    pub async fn functions(&self) -> Result<FunctionList, Error> {
        self.get(&self.at(route::FUNCTIONS, &[])).await
    }

    /// One function.
    pub async fn function(&self, name: &str) -> Result<Function, Error> {
        self.get(&self.at(route::FUNCTION, &[name])).await
    }

    /// Deletes a function with all that belongs to it.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        self.send(Method::DELETE, &self.at(route::FUNCTION, &[name]), &[], Bytes::new()).await.map(|_| ())
    }

    /// Stops running a function's events.
    pub async fn pause(&self, name: &str) -> Result<Function, Error> {
        self.post(&self.at(route::PAUSE, &[name])).await
    }

    /// Ends a pause.
    pub async fn resume(&self, name: &str) -> Result<Function, Error> {
        self.post(&self.at(route::RESUME, &[name])).await
    }

    /// Makes an earlier revision the active one: `revision`, or the one before.
    pub async fn rollback(&self, name: &str, revision: Option<u32>) -> Result<Deployed, Error> {
        self.post_json(&self.at(route::ROLLBACK, &[name]), &Rollback { revision }).await
    }

    /// The revisions of a function, newest first.
    pub async fn revisions(&self, name: &str) -> Result<RevisionList, Error> {
        self.get(&self.at(route::REVISIONS, &[name])).await
    }

    /// The last `limit` log lines of a function, oldest first.
    pub async fn logs(&self, name: &str, limit: u32) -> Result<LogList, Error> {
        self.get(&self.at(route::FUNCTION_LOGS, &[name]).with("limit", limit)).await
    }

    /// The next `limit` log lines of a function after a position.
    pub async fn logs_after(&self, name: &str, after: i64, limit: u32) -> Result<LogList, Error> {
        self.get(&self.at(route::FUNCTION_LOGS, &[name]).with("after", after).with("limit", limit)).await
    }

    /// The last `limit` log lines of a function, and then new ones as they come.
    pub async fn follow_logs(&self, name: &str, limit: u32) -> Result<LogStream, Error> {
        let target = self.at(route::FUNCTION_LOGS, &[name]).with("limit", limit).with("follow", true);
        let response = self.send(Method::GET, &target, &[], Bytes::new()).await?;
        Ok(LogStream::new(self.transport.clone(), response.into_body()))
    }
}
