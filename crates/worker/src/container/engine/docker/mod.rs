//! The Docker Engine API.
//!
//! The version of the API is agreed on by the first request and again after each outage. Every request has a deadline of its
//! own ([`Deadlines`]); pulls and builds, which may take long, have one for the silence between two lines of progress.

mod classify;
mod translate;

use std::{collections::BTreeMap, future::Future, time::Duration};

use async_trait::async_trait;
use bollard::{
    API_DEFAULT_VERSION, Docker,
    container::LogOutput,
    errors::Error,
    query_parameters::{
        CreateContainerOptions, CreateImageOptions, KillContainerOptions, ListContainersOptions, LogsOptions,
        RemoveContainerOptions, StatsOptions, StopContainerOptions, WaitContainerOptions,
    },
};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use parking_lot::Mutex;

use self::classify::{Subject, classify};
use super::{
    BuildImage, ContainerEngine, ContainerFacts, ContainerId, ContainerSettings, ContainerSummary, Context,
    EngineError, EngineVersion, ImageFacts, LogChunk, LogSource, ProgressLine, Usage,
};

/// How long an engine may take to answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// A question.
    pub question: Duration,
    /// Something done to a container: make, start, remove. Disks make these slow.
    pub change: Duration,
    /// The silence between two lines of progress of a pull or a build.
    pub silence: Duration,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines {
            question: Duration::from_secs(15),
            change: Duration::from_secs(60),
            silence: Duration::from_secs(300),
        }
    }
}

/// The client's own limit: longer than any of ours, which count.
const CLIENT_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;

/// See the module.
pub(crate) struct DockerEngine {
    address: String,
    deadlines: Deadlines,
    /// Set when an API version has been agreed on; cleared by an outage.
    client: Mutex<Option<Docker>>,
}

impl DockerEngine {
    /// An engine at `address` (`unix://…`, `tcp://…`, `http://…`, or the path of a socket). Nothing is asked yet.
    pub fn new(address: &str, deadlines: Deadlines) -> DockerEngine {
        let address = if address.starts_with('/') { format!("unix://{address}") } else { address.to_owned() };
        DockerEngine { address, deadlines, client: Mutex::default() }
    }

    fn connect(&self) -> Result<Docker, Error> {
        match self.address.split_once("://") {
            Some(("unix", path)) => Docker::connect_with_unix(path, CLIENT_TIMEOUT_SECONDS, API_DEFAULT_VERSION),
            Some(("tcp" | "http", _)) => {
                Docker::connect_with_http(&self.address, CLIENT_TIMEOUT_SECONDS, API_DEFAULT_VERSION)
            }
            Some(_) | None => Err(Error::UnsupportedURISchemeError { uri: self.address.clone() }),
        }
    }

    async fn client(&self) -> Result<Docker, EngineError> {
        if let Some(client) = self.client.lock().clone() {
            return Ok(client);
        }
        let agreed = async { self.connect()?.negotiate_version().await };
        let client = self.within(self.deadlines.question, "its version", Subject::Other, agreed).await?;
        *self.client.lock() = Some(client.clone());
        Ok(client)
    }

    async fn within<T>(
        &self,
        deadline: Duration,
        what: &'static str,
        subject: Subject<'_>,
        request: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, EngineError> {
        let answer = match tokio::time::timeout(deadline, request).await {
            Ok(answer) => answer.map_err(|error| classify(error, subject, &self.address)),
            Err(_) => Err(EngineError::TimedOut(what)),
        };
        if answer.as_ref().is_err_and(EngineError::is_outage) {
            // Another one may answer next time.
            self.client.lock().take();
        }
        answer
    }

    async fn ask<T>(
        &self,
        what: &'static str,
        subject: Subject<'_>,
        request: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, EngineError> {
        self.within(self.deadlines.question, what, subject, request).await
    }

    async fn change<T>(
        &self,
        what: &'static str,
        subject: Subject<'_>,
        request: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, EngineError> {
        self.within(self.deadlines.change, what, subject, request).await
    }

    /// Reads a stream of progress to its end.
    async fn follow<T>(
        &self,
        what: &'static str,
        subject: Subject<'_>,
        stream: impl Stream<Item = Result<T, Error>> + Send,
        mut each: impl FnMut(T) + Send,
    ) -> Result<(), EngineError> {
        let mut stream = std::pin::pin!(stream);
        loop {
            let next = async { stream.next().await.transpose() };
            match self.within(self.deadlines.silence, what, subject, next).await? {
                Some(item) => each(item),
                None => return Ok(()),
            }
        }
    }
}

#[async_trait]
impl ContainerEngine for DockerEngine {
    fn address(&self) -> &str {
        &self.address
    }

    async fn version(&self) -> Result<EngineVersion, EngineError> {
        let client = self.client().await?;
        let version = self.ask("its version", Subject::Other, client.version()).await?;
        Ok(EngineVersion { version: version.version.unwrap_or_default(), api: client.client_version().to_string() })
    }

    async fn image(&self, name: &str) -> Result<ImageFacts, EngineError> {
        let client = self.client().await?;
        let image = self.ask("for an image", Subject::Image(name), client.inspect_image(name)).await?;
        Ok(translate::image_facts(image))
    }

    async fn pull(&self, name: &str, progress: ProgressLine<'_>) -> Result<(), EngineError> {
        let client = self.client().await?;
        let (image, tag) = translate::split_reference(name);
        let options = CreateImageOptions {
            from_image: Some(image.to_owned()),
            tag: Some(tag.to_owned()),
            ..CreateImageOptions::default()
        };
        let stream = client.create_image(Some(options), None, None);
        let each = |info: bollard::models::CreateImageInfo| {
            if let Some(status) = info.status.filter(|status| !status.is_empty()) {
                progress(&match info.id {
                    Some(id) => format!("{id}: {status}"),
                    None => status,
                });
            }
        };
        self.follow("to pull an image", Subject::Image(name), stream, each).await
    }

    async fn build(
        &self,
        build: &BuildImage,
        context: Context,
        progress: ProgressLine<'_>,
    ) -> Result<String, EngineError> {
        let client = self.client().await?;
        let mut id = None;
        let each = |info: bollard::models::BuildInfo| {
            for line in info.stream.iter().chain(&info.status).flat_map(|text| text.lines()) {
                if !line.trim().is_empty() {
                    progress(line.trim_end());
                }
            }
            if let Some(built) = info.aux.and_then(|aux| aux.id) {
                id = Some(built);
            }
        };
        let body = bollard::body_try_stream(context);
        let stream = client.build_image(translate::build_options(build), None, Some(body));
        self.follow("to build an image", Subject::Other, stream, each).await?;
        match id {
            Some(id) => Ok(id),
            None => Ok(self.image(&build.name).await?.id),
        }
    }

    async fn create(&self, settings: &ContainerSettings) -> Result<ContainerId, EngineError> {
        let client = self.client().await?;
        let options = CreateContainerOptions { name: Some(settings.name.clone()), ..CreateContainerOptions::default() };
        let request = client.create_container(Some(options), translate::create_body(settings));
        let made = self.change("to make a container", Subject::Making(&settings.image), request).await?;
        Ok(ContainerId::new(made.id))
    }

    async fn start(&self, id: &ContainerId) -> Result<(), EngineError> {
        let client = self.client().await?;
        self.change("to start a container", Subject::Container, client.start_container(&id.0, None)).await
    }

    async fn wait(&self, id: &ContainerId) -> Result<i64, EngineError> {
        let client = self.client().await?;
        let options = WaitContainerOptions { condition: "not-running".to_owned() };
        let mut answers = std::pin::pin!(client.wait_container(&id.0, Some(options)));
        match answers.next().await {
            Some(Ok(answer)) => Ok(answer.status_code),
            Some(Err(Error::DockerContainerWaitError { error, code })) if error.is_empty() => Ok(code),
            Some(Err(error)) => Err(classify(error, Subject::Container, &self.address)),
            None => Err(EngineError::Unreachable {
                address: self.address.clone(),
                reason: "it closed the connection".to_owned(),
            }),
        }
    }

    async fn stop(&self, id: &ContainerId, grace: Duration) -> Result<(), EngineError> {
        let client = self.client().await?;
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptions { t: Some(seconds), ..StopContainerOptions::default() };
        let deadline = self.deadlines.change.saturating_add(grace);
        let request = client.stop_container(&id.0, Some(options));
        self.within(deadline, "to stop a container", Subject::Container, request).await
    }

    async fn kill(&self, id: &ContainerId) -> Result<(), EngineError> {
        let client = self.client().await?;
        let options = KillContainerOptions { signal: "SIGKILL".to_owned() };
        let request = async { classify::unless_conflict(client.kill_container(&id.0, Some(options)).await) };
        self.change("to kill a container", Subject::Container, request).await
    }

    async fn remove(&self, id: &ContainerId) -> Result<(), EngineError> {
        let client = self.client().await?;
        let options = RemoveContainerOptions { v: true, force: true, link: false };
        let request = async { classify::unless_conflict(client.remove_container(&id.0, Some(options)).await) };
        match self.change("to remove a container", Subject::Container, request).await {
            Err(EngineError::Gone) => Ok(()),
            answer => answer,
        }
    }

    async fn inspect(&self, id: &ContainerId) -> Result<ContainerFacts, EngineError> {
        let client = self.client().await?;
        let request = client.inspect_container(&id.0, None);
        let facts = self.ask("for a container", Subject::Container, request).await?;
        Ok(translate::facts(id, facts))
    }

    fn logs(
        &self,
        id: &ContainerId,
        since: Option<i32>,
        follow: bool,
    ) -> BoxStream<'static, Result<LogChunk, EngineError>> {
        let address = self.address.clone();
        let Some(client) = self.client.lock().clone() else {
            let reason = "it went away".to_owned();
            return futures_util::stream::iter([Err(EngineError::Unreachable { address, reason })]).boxed();
        };
        let options = LogsOptions {
            follow,
            stdout: true,
            stderr: true,
            since: since.unwrap_or(0),
            timestamps: true,
            tail: "all".to_owned(),
            ..LogsOptions::default()
        };
        let chunk = move |item: Result<LogOutput, Error>| match item {
            Ok(LogOutput::StdErr { message }) => Some(Ok(translate::log_chunk(LogSource::Err, message))),
            Ok(LogOutput::StdOut { message } | LogOutput::Console { message }) => {
                Some(Ok(translate::log_chunk(LogSource::Out, message)))
            }
            Ok(LogOutput::StdIn { .. }) => None,
            Err(error) => Some(Err(classify(error, Subject::Container, &address))),
        };
        client.logs(&id.0, Some(options)).filter_map(move |item| std::future::ready(chunk(item))).boxed()
    }

    async fn usage(&self, id: &ContainerId) -> Result<Usage, EngineError> {
        let client = self.client().await?;
        let options = StatsOptions { stream: false, one_shot: true };
        let request = async {
            let mut samples = std::pin::pin!(client.stats(&id.0, Some(options)));
            samples.next().await.transpose()
        };
        let sample = self.ask("what a container uses", Subject::Container, request).await?;
        Ok(sample.map(|sample| translate::usage(&sample)).unwrap_or_default())
    }

    async fn list(&self, labels: &BTreeMap<String, String>) -> Result<Vec<ContainerSummary>, EngineError> {
        let client = self.client().await?;
        let wanted = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let filters = [("label".to_owned(), wanted)].into_iter().collect();
        let options = ListContainersOptions { all: true, filters: Some(filters), ..ListContainersOptions::default() };
        let listed = self.ask("for its containers", Subject::Other, client.list_containers(Some(options))).await?;
        Ok(listed.into_iter().filter_map(translate::summary).collect())
    }

    async fn networks(&self) -> Result<Vec<String>, EngineError> {
        let client = self.client().await?;
        let networks = self.ask("for its networks", Subject::Other, client.list_networks(None)).await?;
        Ok(networks.into_iter().filter_map(|network| network.name).collect())
    }
}

#[cfg(test)]
mod tests;
