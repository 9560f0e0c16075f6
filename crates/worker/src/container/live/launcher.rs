//! Starting long-lived containers, and building images for them.

use std::{io, path::PathBuf, sync::Arc};

use tidemill_core::{
    ports::{Launch, LaunchError, Place, Progress, Worker},
    spec::{Contract, Pull},
};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::{
    folder::{self, OpenFolder, add_mount_points},
    http,
    prepared::{Prepared, explain, named, prepared},
    watch::{Watch, Watched},
    worker,
};
use crate::{
    container::{
        build::{BuildLimits, Images},
        driver::Shared,
        engine::{ContainerFacts, ContainerSettings, HostMount},
        labels,
    },
    linked::{Meeting, refused},
    process::install_wrappers,
};

/// Where a container finds its folder.
pub(super) const HOME: &str = "/tidemill";
/// Where it finds the function's package.
pub(super) const PACKAGE: &str = "/tidemill/package";
/// Where it finds the wrappers of the languages.
pub(super) const RUNTIME: &str = "/tidemill/runtime";
const WRAPPERS: &str = "wrappers";

/// Starts long-lived containers. See the module.
pub(crate) struct Live {
    pub(super) shared: Arc<Shared>,
    images: Images,
    /// The wrappers of the languages, on this machine.
    wrappers: OnceCell<PathBuf>,
    /// The folder of the containers' folders.
    home: OnceCell<PathBuf>,
    /// Cancelled when the node stops.
    stop: CancellationToken,
}

/// A container that was started.
pub(super) struct Started {
    pub watched: Watched,
    pub place: Place,
    pub facts: ContainerFacts,
}

/// A folder of a container.
pub(super) enum Folder {
    Meeting(Arc<Meeting>),
    Open(OpenFolder),
}

impl Live {
    /// For the driver of `shared`, which cancels `stop` when it closes. Nothing is written yet.
    pub fn new(shared: Arc<Shared>, stop: CancellationToken) -> Live {
        let images = Images::new(
            shared.engine.clone(),
            BuildLimits {
                memory_bytes: shared.config.memory_bytes_default,
                nano_cpus: shared.config.nano_cpus_default,
            },
        );
        Live { shared, images, wrappers: OnceCell::new(), home: OnceCell::new(), stop }
    }

    /// The folder with the wrappers of the languages, which is written when it is first needed.
    async fn wrappers(&self) -> Result<PathBuf, LaunchError> {
        let install = || async {
            let folder = self.shared.config.runtime_dir.join(WRAPPERS);
            let installed = tokio::task::spawn_blocking(move || install_wrappers(&folder)).await;
            installed.unwrap_or_else(|error| Err(io::Error::other(error)))
        };
        let wrappers = self.wrappers.get_or_try_init(install).await;
        wrappers.cloned().map_err(|error| refused(format!("the wrappers of the languages cannot be written: {error}")))
    }

    /// The image of a function by the name that it is made under, pulled or built as need be.
    pub async fn image(&self, launch: &Launch) -> Result<String, LaunchError> {
        self.shared.surveyed().await.map_err(explain)?;
        named(&self.shared, &self.images, launch, None).await
    }

    /// Removes the folder of the containers' folders, when all of these are gone.
    pub fn close(&self) {
        if let Some(home) = self.home.get().filter(|home| **home != self.shared.config.runtime_dir) {
            // What is left in it goes when the next process makes it anew.
            let _ = std::fs::remove_dir(home);
        }
    }

    /// Starts a container and waits until it is ready.
    pub async fn launch(&self, launch: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
        self.shared.surveyed().await.map_err(explain)?;
        let prepared = prepared(&self.shared, &self.images, &launch, None).await?;
        match labels::contract_of(&launch) {
            Contract::Http => http::launch(self, launch, prepared).await,
            Contract::Worker | Contract::Run => worker::launch(self, launch, prepared).await,
        }
    }

    /// Makes an image that runs the function by itself. Gives its id.
    pub async fn build_image(
        &self,
        launch: &Launch,
        base: &str,
        tag: &str,
        progress: &dyn Progress,
    ) -> Result<String, LaunchError> {
        self.shared.image(base, Pull::Missing).await.map_err(explain)?;
        let facts = self.shared.engine.image(base).await.map_err(explain)?;
        self.images.of_function(launch, (base, &facts), &self.wrappers().await?, tag, Some(progress)).await
    }

    /// A new folder's path, and the name of the container that it is for.
    pub(super) async fn fresh(&self) -> (PathBuf, String) {
        let home = self.home.get_or_init(|| async {
            let (instance, runtime_dir) = (self.shared.config.instance.clone(), self.shared.config.runtime_dir.clone());
            let fallback = runtime_dir.clone();
            let made = tokio::task::spawn_blocking(move || folder::home(&instance, &runtime_dir)).await;
            made.unwrap_or(fallback)
        });
        let name = self.shared.fresh_name();
        (home.await.join(&name), self.shared.container_name(&name))
    }

    /// The settings of a container but for its variables: image, name, labels, limits, and the mounts of its folder and package.
    pub(super) async fn settings(
        &self,
        launch: &Launch,
        prepared: &Prepared,
        name: &str,
        folder: &Folder,
        has_wrapper: bool,
    ) -> Result<ContainerSettings, LaunchError> {
        let wrappers = if has_wrapper { Some(self.wrappers().await?) } else { None };
        let mut settings = self.shared.settings(launch, &prepared.facts.id).await?;
        settings.name = name.to_owned();
        settings.labels = labels::of_worker(&self.shared.config.instance, launch);
        let mut mount = |source: &std::path::Path, target: &str, read_only| {
            let source = source.to_string_lossy().into_owned();
            settings.mounts.push(HostMount { source, target: target.to_owned(), read_only });
        };
        match folder {
            Folder::Meeting(meeting) => {
                add_mount_points(meeting.directory()).map_err(no_folder)?;
                mount(meeting.directory(), HOME, false);
            }
            Folder::Open(folder) => mount(folder.path(), HOME, false),
        }
        // A function without files has no package.
        if !launch.directory.as_os_str().is_empty() && launch.directory.is_dir() {
            mount(&launch.directory, PACKAGE, true);
        }
        if let Some(wrappers) = &wrappers {
            mount(wrappers, RUNTIME, true);
        }
        Ok(settings)
    }

    /// Makes and starts the container, which from then on is watched.
    pub(super) async fn start(
        &self,
        launch: &Launch,
        prepared: &Prepared,
        settings: ContainerSettings,
        folder: Folder,
    ) -> Result<Started, LaunchError> {
        let engine = &self.shared.engine;
        let held = self.shared.roster.hold(&settings.name);
        let id = engine.create(&settings).await.map_err(explain)?;
        let started = async {
            engine.start(&id).await?;
            engine.inspect(&id).await
        };
        let facts = match started.await {
            Ok(facts) => facts,
            Err(error) => {
                self.shared.retire(id, held);
                return Err(explain(error));
            }
        };
        let pid = facts.state["Pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
        let place = Place {
            driver: format!("docker:{}", engine.address()),
            image: prepared.name.clone(),
            instance: id.to_string(),
        };
        tracing::debug!(function = %launch.function, worker = %launch.worker, container = %id, "a container was started");
        let watch = Watch {
            shared: self.shared.clone(),
            id,
            held,
            pid,
            stop: self.stop.clone(),
            memory_bytes: settings.memory_bytes,
            kept: Box::new(folder),
        };
        Ok(Started { watched: watch.begin(), place, facts })
    }
}

pub(super) fn no_folder(error: io::Error) -> LaunchError {
    refused(format!("the container's folder cannot be made: {error}"))
}
