//! Starts workers of one revision: package and environment are made ready once, when first needed.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tidemill_core::{
    Digest, FunctionRef, RevisionNumber,
    ports::{
        BuildError, Builder, Driver, Environment, Host, Launch, LaunchError, Progress, Unpacked, Worker, WorkerId,
    },
    spec::FunctionSpec,
};
use tokio::sync::OnceCell;

/// Numbers workers within the life of the program.
static NEXT_WORKER: AtomicU64 = AtomicU64::new(1);

struct Prepared {
    directory: PathBuf,
    environment: Environment,
}

pub(crate) struct Launcher {
    pub builder: Arc<dyn Builder>,
    pub driver: Arc<dyn Driver>,
    pub host: Arc<dyn Host>,
    pub reference: FunctionRef,
    pub revision: RevisionNumber,
    pub spec: Arc<FunctionSpec>,
    pub package: Digest,
    prepared: OnceCell<Prepared>,
}

/// Progress that nobody watches.
struct Unwatched;

impl Progress for Unwatched {
    fn line(&self, text: &str) {
        tracing::debug!(text, "building");
    }
}

impl Launcher {
    pub fn new(
        ports: (Arc<dyn Builder>, Arc<dyn Driver>, Arc<dyn Host>),
        reference: FunctionRef,
        revision: RevisionNumber,
        spec: Arc<FunctionSpec>,
        package: Digest,
    ) -> Launcher {
        let (builder, driver, host) = ports;
        Launcher { builder, driver, host, reference, revision, spec, package, prepared: OnceCell::new() }
    }

    pub fn function(&self) -> &FunctionRef {
        &self.reference
    }

    /// Builds the environment of a package that was just unpacked, telling how it goes.
    pub async fn prepare(&self, unpacked: Unpacked, progress: &dyn Progress) -> Result<(), BuildError> {
        let environment = self.builder.environment(&unpacked, &self.spec, progress).await?;
        // Only a deployment prepares, and before anybody launches.
        let _ = self.prepared.set(Prepared { directory: unpacked.directory, environment });
        Ok(())
    }

    pub async fn launch(&self) -> Result<Arc<dyn Worker>, LaunchError> {
        let prepared = self.prepared.get_or_try_init(|| self.reopen()).await;
        let prepared = prepared.map_err(|error| LaunchError { reason: error.to_string(), logs: Vec::new() })?;
        let number = NEXT_WORKER.fetch_add(1, Ordering::Relaxed);
        self.driver
            .launch(Launch {
                worker: WorkerId(format!("w-{number}").into()),
                function: self.reference.clone(),
                revision: self.revision,
                spec: self.spec.clone(),
                directory: prepared.directory.clone(),
                environment: prepared.environment.clone(),
                host: self.host.clone(),
            })
            .await
    }

    async fn reopen(&self) -> Result<Prepared, BuildError> {
        let unpacked = self.builder.open(&self.package).await?;
        let environment = self.builder.environment(&unpacked, &self.spec, &Unwatched).await?;
        Ok(Prepared { directory: unpacked.directory, environment })
    }
}
