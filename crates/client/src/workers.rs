//! Workers and images.

use bytes::Bytes;
use http::Method;
use tidemill_api::{Ensured, Image, NewImage, WorkerCount, WorkerList, route};
use tidemill_core::InvocationId;

use crate::{Client, Error, url::Target};

impl Client {
    /// The workers of a function, the oldest first.
    pub async fn workers(&self, function: &str) -> Result<WorkerList, Error> {
        self.get(&self.at(route::WORKERS, &[function])).await
    }

    /// Sees to it that a function has at least `count` workers now.
    pub async fn ensure_workers(&self, function: &str, count: u32) -> Result<Ensured, Error> {
        self.post_json(&self.at(route::WORKERS, &[function]), &WorkerCount { count: Some(count) }).await
    }

    /// Stops a worker when its calls have ended.
    pub async fn stop_worker(&self, function: &str, worker: &str) -> Result<(), Error> {
        self.remove(&self.at(route::WORKER, &[function, worker])).await
    }

    /// Makes a container image of a function, on top of `base`.
    pub async fn build_image(&self, function: &str, base: &str, tag: &str) -> Result<Image, Error> {
        let new = NewImage { base: base.to_owned(), tag: tag.to_owned() };
        self.post_json(&self.at(route::IMAGE, &[function]), &new).await
    }

    /// Takes the next result of an invocation.
    pub async fn take_result(&self, id: InvocationId) -> Result<Bytes, Error> {
        let target = Target::new(route::NEXT_RESULT, &[&id.to_string()]);
        let response = self.send(Method::POST, &target, &[], Bytes::new()).await?;
        self.transport.collect(response.into_body()).await
    }
}
