//! The container engine as a port.
//!
//! [`ContainerEngine`] is what Tidemill needs of an engine and nothing more. [`docker::DockerEngine`] is the Docker Engine
//! API; `fake::FakeEngine` is in memory, for tests, with faults on demand. Each request has a deadline, so that a hung
//! engine is an error ([`EngineError::TimedOut`]) and never a stuck call; only [`ContainerEngine::wait`] and the log stream
//! last as long as the container, and whoever uses them looks at the container from time to time.

mod container;
mod docker;
mod error;
#[cfg(test)]
pub(crate) mod fake;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub(crate) use container::{
    BuildImage, ContainerFacts, ContainerId, ContainerSettings, ContainerStatus, ContainerSummary, EngineVersion,
    HostMount, ImageFacts, LogChunk, LogSource, Usage,
};
pub(crate) use docker::{Deadlines, DockerEngine};
pub(crate) use error::EngineError;

/// What happens during a pull or a build, a line each, without its end.
pub(crate) type ProgressLine<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// A tar archive in pieces, as the context of a build.
pub(crate) type Context = BoxStream<'static, Result<Bytes, std::io::Error>>;

/// A container engine. All methods may be called at once; none holds a lock while it waits.
#[async_trait]
pub(crate) trait ContainerEngine: Send + Sync {
    /// Where it is, as in `unix:///var/run/docker.sock`.
    fn address(&self) -> &str;

    /// Asks it who it is. Also the way to see whether it answers.
    async fn version(&self) -> Result<EngineVersion, EngineError>;

    /// What it knows of an image; [`EngineError::NoImage`] when it does not have it.
    async fn image(&self, name: &str) -> Result<ImageFacts, EngineError>;

    /// Fetches an image. Fails when nothing happens for a while, however long the whole takes.
    async fn pull(&self, name: &str, progress: ProgressLine<'_>) -> Result<(), EngineError>;

    /// Builds an image and gives its id. Fails when nothing happens for a while, however long the whole takes.
    async fn build(
        &self,
        build: &BuildImage,
        context: Context,
        progress: ProgressLine<'_>,
    ) -> Result<String, EngineError>;

    /// Makes a container without starting it. [`EngineError::NoImage`] when the engine does not have the image.
    async fn create(&self, settings: &ContainerSettings) -> Result<ContainerId, EngineError>;

    /// Starts a container; one that runs is left as it is.
    async fn start(&self, id: &ContainerId) -> Result<(), EngineError>;

    /// Comes back with the exit code when the container does not run any more, at once when it never did. Has no deadline.
    async fn wait(&self, id: &ContainerId) -> Result<i64, EngineError>;

    /// Ends a container: SIGTERM, and SIGKILL after `grace`. One that does not run is left as it is.
    async fn stop(&self, id: &ContainerId, grace: Duration) -> Result<(), EngineError>;

    /// Ends a container by SIGKILL. One that does not run is left as it is.
    async fn kill(&self, id: &ContainerId) -> Result<(), EngineError>;

    /// Ends a container by force and removes it with its unnamed volumes. One that is not there is no error.
    async fn remove(&self, id: &ContainerId) -> Result<(), EngineError>;

    /// What it knows of a container.
    async fn inspect(&self, id: &ContainerId) -> Result<ContainerFacts, EngineError>;

    /// What the container prints, from the beginning, or from the second `since` (of the Unix time) on; until it ends when
    /// `follow`. Ends without an error when the engine goes away, too.
    fn logs(
        &self,
        id: &ContainerId,
        since: Option<i32>,
        follow: bool,
    ) -> BoxStream<'static, Result<LogChunk, EngineError>>;

    /// What the container uses now. [`EngineError::Gone`] or zeros when it does not run.
    async fn usage(&self, id: &ContainerId) -> Result<Usage, EngineError>;

    /// The containers, running or not, that carry all of `labels`.
    async fn list(&self, labels: &BTreeMap<String, String>) -> Result<Vec<ContainerSummary>, EngineError>;

    /// The names of its networks.
    async fn networks(&self) -> Result<Vec<String>, EngineError>;
}
