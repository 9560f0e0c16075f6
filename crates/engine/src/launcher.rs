//! Starts workers of one revision: package and environment are made ready once, when first needed.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use tidemill_core::{
    Digest, FunctionRef, RevisionNumber, RevisionRecord,
    ports::{
        BuildError, Builder, Driver, Environment, Host, Launch, LaunchError, Progress, Unpacked, Worker, WorkerId,
    },
    spec::FunctionSpec,
};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::shared::Shared;

/// Names workers. A node takes another name each time it starts, so that no name is ever given twice.
pub(crate) struct WorkerNames {
    node: String,
    next: AtomicU64,
}

impl WorkerNames {
    pub fn new(node: &str) -> Arc<WorkerNames> {
        Arc::new(WorkerNames { node: node.to_owned(), next: AtomicU64::new(1) })
    }

    fn next(&self) -> WorkerId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        WorkerId(format!("{}-w-{number}", self.node).into())
    }
}

struct Prepared {
    directory: PathBuf,
    environment: Environment,
}

pub(crate) struct Launcher {
    builder: Arc<dyn Builder>,
    driver: Arc<dyn Driver>,
    host: Arc<dyn Host>,
    names: Arc<WorkerNames>,
    reference: FunctionRef,
    revision: RevisionNumber,
    spec: Arc<FunctionSpec>,
    package: Digest,
    prepared: OnceCell<Prepared>,
    /// Cancelled when the server stops.
    stop: CancellationToken,
}

/// Progress that nobody watches, of a build that is wanted until the server stops.
struct Unwatched(CancellationToken);

#[async_trait]
impl Progress for Unwatched {
    fn line(&self, text: &str) {
        tracing::debug!(text, "building");
    }

    async fn given_up(&self) {
        self.0.cancelled().await;
    }
}

impl Launcher {
    pub fn new(shared: &Shared, host: Arc<dyn Host>, revision: &RevisionRecord, spec: Arc<FunctionSpec>) -> Launcher {
        Launcher {
            builder: shared.ports.builder.clone(),
            driver: shared.ports.driver.clone(),
            host,
            names: shared.worker_names.clone(),
            reference: revision.function.clone(),
            revision: revision.number,
            spec,
            package: revision.package.clone(),
            prepared: OnceCell::new(),
            stop: shared.stop.clone(),
        }
    }

    pub fn function(&self) -> &FunctionRef {
        &self.reference
    }

    pub fn revision(&self) -> RevisionNumber {
        self.revision
    }

    /// A name for the next worker.
    pub fn name(&self) -> WorkerId {
        self.names.next()
    }

    /// Builds the environment of a package that was just unpacked, telling how it goes.
    pub async fn prepare(&self, unpacked: Unpacked, progress: &dyn Progress) -> Result<(), BuildError> {
        let environment = self.environment(&unpacked, progress).await?;
        // Only a deployment prepares, and before anybody launches.
        let _ = self.prepared.set(Prepared { directory: unpacked.directory, environment });
        Ok(())
    }

    pub async fn launch(&self, worker: WorkerId) -> Result<Arc<dyn Worker>, LaunchError> {
        self.driver.launch(self.described(worker).await?).await
    }

    /// Makes a container image of the revision, on top of `base`, called `tag`. Returns its id.
    pub async fn build_image(&self, base: &str, tag: &str, progress: &dyn Progress) -> Result<String, LaunchError> {
        self.driver.build_image(&self.described(self.name()).await?, base, tag, progress).await
    }

    /// All that a driver must know of the revision.
    async fn described(&self, worker: WorkerId) -> Result<Launch, LaunchError> {
        let prepared = self.prepared.get_or_try_init(|| self.reopen()).await;
        let prepared = prepared.map_err(|error| LaunchError { reason: error.to_string(), logs: Vec::new() })?;
        Ok(Launch {
            worker,
            function: self.reference.clone(),
            revision: self.revision,
            spec: self.spec.clone(),
            directory: prepared.directory.clone(),
            environment: prepared.environment.clone(),
            host: self.host.clone(),
        })
    }

    /// Whether launches fail now through no fault of the function.
    pub async fn has_outage(&self) -> bool {
        let outage = self.driver.outage(&self.spec).await;
        if let Some(reason) = &outage {
            tracing::warn!(function = %self.reference, reason, "workers cannot be started for now");
        }
        outage.is_some()
    }

    async fn reopen(&self) -> Result<Prepared, BuildError> {
        let unpacked = self.builder.open(&self.package).await?;
        let environment = self.environment(&unpacked, &Unwatched(self.stop.clone())).await?;
        Ok(Prepared { directory: unpacked.directory, environment })
    }

    async fn environment(&self, unpacked: &Unpacked, progress: &dyn Progress) -> Result<Environment, BuildError> {
        tokio::select! {
            biased;
            built = self.builder.environment(&self.reference.project, unpacked, &self.spec, progress) => built,
            () = progress.given_up() => Err(BuildError::GivenUp),
        }
    }
}
