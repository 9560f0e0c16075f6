//! Launching.

use std::{
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use tidemill_core::{
    FunctionRef, InvocationId,
    ports::{Driver, DriverHealth, Launch, LaunchError, Progress, Worker},
    spec::{Contract, Pull},
};
use tokio::sync::OnceCell;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    config::ContainerConfig,
    engine::{
        ContainerEngine, ContainerId, ContainerSettings, ContainerStatus, Deadlines, DockerEngine, EngineError,
        EngineVersion,
    },
    labels,
    live::Live,
    reaper,
    roster::{Held, Roster},
    run::RunWorker,
    settings::{Host, container_settings},
};
use crate::{linked::refused, words::human_duration};

/// How long an engine may be away before attempts are given up.
const AWAY_MAX: Duration = Duration::from_secs(60);
/// How long an engine may take to say that it is there.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end of an execution may take to become durable.
const SETTLE_TIME: Duration = Duration::from_secs(1);
/// How long a container may take to end, beyond its own grace, before it is left to the reaper.
const END_MAX: Duration = Duration::from_secs(30);
/// How long an engine is looked at after a container ended by a signal of nobody's: one that stops ends its containers first.
const LOOK_TIME: Duration = Duration::from_secs(3);
const DEFAULT_ADDRESS: &str = "unix:///var/run/docker.sock";

/// What all workers of a driver share.
pub(crate) struct Shared {
    pub config: ContainerConfig,
    pub engine: Arc<dyn ContainerEngine>,
    pub roster: Arc<Roster>,
    /// What goes on behind the calls: removals.
    pub tasks: TaskTracker,
    /// Cancelled when the driver closes.
    stop: CancellationToken,
    /// How long an engine may be away before attempts are given up.
    pub away_max: Duration,
    /// How long a container may take to end, beyond its own grace.
    pub end_max: Duration,
    /// How long an engine is looked at after a container ended by a signal of nobody's.
    pub look_time: Duration,
    /// Cancelled when the node stops: what can go on without it is left.
    pub leaving: CancellationToken,
    surveyed: OnceCell<()>,
    /// Tells the folders and containers of this process from those of others before it.
    epoch: String,
    made: AtomicU64,
}

impl Shared {
    fn new(config: ContainerConfig, engine: Arc<dyn ContainerEngine>) -> Shared {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Shared {
            config,
            engine,
            roster: Arc::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            away_max: AWAY_MAX,
            end_max: END_MAX,
            look_time: LOOK_TIME,
            leaving: CancellationToken::new(),
            surveyed: OnceCell::new(),
            epoch: format!("{:x}", since.as_millis()),
            made: AtomicU64::new(0),
        }
    }

    /// A name for a folder, and a part of one for its container, that was never used before.
    pub fn fresh_name(&self) -> String {
        format!("{}-{}", self.epoch, self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// The name of the container whose folder has the name `folder`.
    pub fn container_name(&self, folder: &str) -> String {
        format!("tidemill-{}-{folder}", self.config.instance)
    }

    /// The folder of a container.
    pub fn folder_of(&self, container: &str) -> PathBuf {
        let prefix = self.container_name("");
        self.config.runtime_dir.join(container.strip_prefix(&prefix).unwrap_or("none"))
    }

    /// Whether a folder was made by [`Shared::fresh_name`], of this process or another.
    pub fn is_folder_name(&self, name: &str) -> bool {
        let is_hex = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        name.split_once('-').is_some_and(|(epoch, number)| is_hex(epoch) && is_hex(number))
    }

    /// Looks, once, what an earlier process has left.
    pub async fn surveyed(self: &Arc<Self>) -> Result<(), EngineError> {
        self.surveyed.get_or_try_init(|| reaper::survey(self)).await.map(|_| ())
    }

    /// The container settings of a function, but for what one container has of its own.
    pub async fn settings(&self, launch: &Launch, image: &str) -> Result<ContainerSettings, LaunchError> {
        let mounts = launch.spec.container.as_ref().map(|container| container.mounts.clone()).unwrap_or_default();
        let mut sources = Vec::with_capacity(mounts.len());
        for mount in &mounts {
            sources.push(tokio::fs::canonicalize(&mount.source).await.map_err(|error| error.to_string()));
        }
        let socket = self.engine.address().strip_prefix("unix://").map(Path::new);
        let socket = match socket {
            Some(socket) => Some(tokio::fs::canonicalize(socket).await.unwrap_or_else(|_| socket.to_owned())),
            None => None,
        };
        let host = Host { engine_socket: socket.as_deref(), sources: &sources };
        let settings = container_settings(&self.config, launch, image, &host).map_err(refused)?;
        if !settings.networks.is_empty() {
            let known = self.engine.networks().await.map_err(|error| refused(error.explain()))?;
            if let Some(unknown) = settings.networks.iter().find(|network| !known.contains(network)) {
                let known = known.join(", ");
                return Err(refused(format!(
                    "spec.container.networks: the engine has no network {unknown:?}; it has {known}"
                )));
            }
        }
        Ok(settings)
    }

    /// Asks the engine who it is, and does not wait long: somebody waits for us.
    async fn version(&self) -> Result<EngineVersion, EngineError> {
        let version = self.engine.version();
        tokio::time::timeout(VERSION_TIMEOUT, version).await.unwrap_or(Err(EngineError::TimedOut("its version")))
    }

    /// Makes sure that the engine has the image `name`, and gives its id.
    pub async fn image(&self, name: &str, pull: Pull) -> Result<String, EngineError> {
        let progress = |line: &str| tracing::debug!(image = name, "{line}");
        if pull == Pull::Always {
            self.engine.pull(name, &progress).await?;
        }
        match self.engine.image(name).await {
            Err(EngineError::NoImage(_)) if pull == Pull::Missing => {
                self.engine.pull(name, &progress).await?;
                Ok(self.engine.image(name).await?.id)
            }
            image => Ok(image?.id),
        }
    }

    /// Removes a container that has ended, and its folder, behind the caller's back.
    pub fn retire(self: &Arc<Self>, id: ContainerId, held: Held) {
        let shared = self.clone();
        self.tasks.spawn(async move { shared.remove(&id, held).await });
    }

    /// The same after a while, in which whoever was told of the end makes that durable: a process that dies before finds the
    /// container again and need not repeat the execution.
    pub fn retire_later(self: &Arc<Self>, id: ContainerId, held: Held) {
        let shared = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = shared.stop.cancelled() => {}
                () = tokio::time::sleep(SETTLE_TIME) => {}
            }
            shared.remove(&id, held).await;
        });
    }

    /// Removes a container and its folder. When that fails the reaper does it later.
    pub async fn remove(&self, id: &ContainerId, held: Held) {
        if let Err(error) = self.end(id).await {
            tracing::warn!(container = held.name(), %error, "a container was not removed; it is tried again");
            return;
        }
        self.clear(held).await;
    }

    /// Removes the folder of a container that does not run any more, and lets it go.
    pub async fn clear(&self, held: Held) {
        let folder = self.folder_of(held.name());
        // A panic in it leaves the folder to the reaper.
        let _ = tokio::task::spawn_blocking(move || reaper::remove_folder(&folder)).await;
        held.done();
    }

    /// Removes a container, unless it has ended and is to be left for somebody who looks for a fault. When it comes back without
    /// an error, the container does not run any more.
    pub async fn end(&self, id: &ContainerId) -> Result<(), EngineError> {
        if self.config.leave_containers {
            match self.engine.inspect(id).await {
                Ok(facts) if facts.status == ContainerStatus::Ended => return Ok(()),
                Err(EngineError::Gone) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        self.engine.remove(id).await
    }
}

/// Starts workers in containers. See the module.
pub struct ContainerDriver {
    shared: Arc<Shared>,
    live: Live,
    stop: CancellationToken,
}

impl ContainerDriver {
    /// A driver without workers, which begins to look for what an earlier process has left. It needs the runtime it is made in,
    /// and no engine yet.
    ///
    /// # Errors
    ///
    /// The settings name an instance or a folder that cannot be used.
    pub fn new(config: ContainerConfig) -> io::Result<ContainerDriver> {
        let from_environment = || std::env::var("DOCKER_HOST").ok().filter(|address| !address.is_empty());
        let address = config.address.clone().or_else(from_environment).unwrap_or_else(|| DEFAULT_ADDRESS.to_owned());
        let engine = Arc::new(DockerEngine::new(&address, Deadlines::default()));
        ContainerDriver::over(config, engine)
    }

    /// The same over any engine.
    pub(crate) fn over(config: ContainerConfig, engine: Arc<dyn ContainerEngine>) -> io::Result<ContainerDriver> {
        ContainerDriver::changed(config, engine, |_| {})
    }

    /// The same with other limits than usual.
    pub(crate) fn changed(
        mut config: ContainerConfig,
        engine: Arc<dyn ContainerEngine>,
        change: impl FnOnce(&mut Shared),
    ) -> io::Result<ContainerDriver> {
        config.runtime_dir = prepare(&config)?;
        let mut shared = Shared::new(config, engine);
        change(&mut shared);
        let shared = Arc::new(shared);
        let stop = shared.stop.clone();
        shared.tasks.spawn(reaper::run(shared.clone(), stop.clone()));
        let live = Live::new(shared.clone(), stop.clone());
        Ok(ContainerDriver { shared, live, stop })
    }

    /// A worker of the contract `run`: its image is made sure of, and its settings are judged.
    async fn runner(&self, launch: Launch) -> Result<RunWorker, LaunchError> {
        let timeout = launch.spec.readiness_timeout;
        let is_named = launch.spec.container.as_ref().is_some_and(|container| !container.image.is_empty());
        let name = if is_named {
            let late = |_| refused(format!("the image was not pulled within {}", human_duration(timeout)));
            tokio::time::timeout(timeout, self.live.image(&launch)).await.map_err(late)??
        } else {
            // A build has a time limit of its own.
            self.live.image(&launch).await?
        };
        let image = self.shared.engine.image(&name).await.map_err(|error| refused(error.explain()))?;
        super::live::prepared::has_program(&launch, &name, &image)?;
        let settings = self.shared.settings(&launch, &image.id).await?;
        Ok(RunWorker::new(self.shared.clone(), launch, settings))
    }
}

/// Checks the settings and makes the folder.
fn prepare(config: &ContainerConfig) -> io::Result<PathBuf> {
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if config.instance.is_empty() || !config.instance.chars().all(is_name) {
        return Err(invalid(format!("{:?} is not the name of an instance", config.instance)));
    }
    let directory = &config.runtime_dir;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))?;
    std::fs::canonicalize(directory)
}

impl Drop for ContainerDriver {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[async_trait]
impl Driver for ContainerDriver {
    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
        if self.stop.is_cancelled() {
            return Err(refused("the driver is closed"));
        }
        match labels::contract_of(&launch) {
            Contract::Run => Ok(Arc::new(self.runner(launch).await?)),
            Contract::Worker | Contract::Http => self.live.launch(launch).await,
        }
    }

    async fn warm(&self, _launch: &Launch) {}

    async fn build_image(
        &self,
        launch: &Launch,
        base: &str,
        tag: &str,
        progress: &dyn Progress,
    ) -> Result<String, LaunchError> {
        self.live.build_image(launch, base, tag, progress).await
    }

    fn leave(&self) {
        self.shared.leaving.cancel();
    }

    fn forget(&self, function: &FunctionRef) {
        self.shared.roster.disown(function);
    }

    async fn left(&self) -> Vec<InvocationId> {
        // An engine that is away is looked at before the first launch; what is left then waits its time.
        let surveyed = self.shared.surveyed().await;
        surveyed.map(|()| self.shared.roster.waiting()).unwrap_or_default()
    }

    fn release(&self, invocation: InvocationId) {
        self.shared.roster.release(invocation);
    }

    async fn close(&self) {
        self.leave();
        self.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.live.close();
        reaper::finish(&self.shared).await;
    }

    async fn outage(&self, _spec: &tidemill_core::spec::FunctionSpec) -> Option<String> {
        let error = self.shared.version().await.err()?;
        error.is_outage().then(|| error.explain())
    }

    async fn health(&self) -> Vec<DriverHealth> {
        let address = self.shared.engine.address().to_owned();
        let (detail, problem) = match self.shared.version().await {
            Ok(version) => (format!("{} at {address}", version.version), None),
            Err(error) => (address, Some(error.explain())),
        };
        vec![DriverHealth { name: "docker".to_owned(), detail, problem }]
    }
}
