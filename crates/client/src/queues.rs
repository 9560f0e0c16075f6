//! Queues, topics, schedules.

use bytes::Bytes;
use http::Method;
use tidemill_api::{Count, Published, Queue, QueueList, ScheduleList, TopicList, route};

use crate::{Client, Error};

impl Client {
    /// The queues of the project.
    pub async fn queues(&self) -> Result<QueueList, Error> {
        self.get(&self.at(route::QUEUES, &[])).await
    }

    /// The queue of a function.
    pub async fn queue(&self, function: &str) -> Result<Queue, Error> {
        self.get(&self.at(route::QUEUE, &[function])).await
    }

    /// Queues at most `limit` dead-lettered invocations again.
    pub async fn redrive(&self, function: &str, limit: u32) -> Result<Count, Error> {
        self.post(&self.at(route::REDRIVE, &[function]).with("limit", limit)).await
    }

    /// Deletes at most `limit` dead-lettered invocations or, with `queued`, waiting ones.
    pub async fn purge(&self, function: &str, queued: bool, limit: u32) -> Result<Count, Error> {
        self.post(&self.at(route::PURGE, &[function]).with("queued", queued).with("limit", limit)).await
    }

    /// Topics and who listens to them.
    pub async fn topics(&self) -> Result<TopicList, Error> {
        self.get(&self.at(route::TOPICS, &[])).await
    }

    /// Publishes an event, or a batch of CloudEvents. What comes back is on disk.
    pub async fn publish(
        &self,
        topic: &str,
        content_type: &str,
        headers: &[(String, String)],
        body: impl Into<Bytes>,
    ) -> Result<Published, Error> {
        let mut headers = headers.to_vec();
        if !content_type.is_empty() {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        let target = self.at(route::TOPIC_EVENTS, &[topic]);
        let response = self.send(Method::POST, &target, &headers, body.into()).await?;
        self.json(response).await
    }

    /// Schedules, the next run first.
    pub async fn schedules(&self) -> Result<ScheduleList, Error> {
        self.get(&self.at(route::SCHEDULES, &[])).await
    }
}
