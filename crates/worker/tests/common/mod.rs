//! What the tests of drivers and builders share: a data folder, a host, packages, launches and calls.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part of it")]

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tidemill_core::{
    ProjectName, RevisionNumber,
    ports::{Builder, Driver, Environment, Launch, LaunchError, Package, Progress, Unpacked, Worker, WorkerId},
    spec::{FunctionSpec, Runtime},
};
use tidemill_sandbox::{Controller, Launcher};
pub use tidemill_testkit::{calls::*, host::Answers, repository, wait_for};
use tidemill_worker::{
    BuildLimits, BuilderConfig, DriverConfig, PackageBuilder, ProcessDriver, Sandbox, SandboxConfig, SandboxMode,
};

/// Keeps the lines of a build.
#[derive(Default)]
pub struct Lines(pub Mutex<Vec<String>>);

impl Progress for Lines {
    fn line(&self, text: &str) {
        self.0.lock().push(text.to_owned());
    }
}

/// A program that can be a launcher.
pub fn launcher() -> Launcher {
    Launcher::at(env!("CARGO_BIN_EXE_tidemill-launcher"))
}

/// Leaves groups for memory alone: where the tests run in a group of it, that belongs to somebody else.
fn apart(mut sandbox: SandboxConfig) -> SandboxConfig {
    sandbox.controllers = vec![Controller::Processes, Controller::Cpu];
    sandbox
}

/// A builder and a driver on a data folder of their own.
pub struct Bench {
    pub directory: tempfile::TempDir,
    pub builder: PackageBuilder,
    pub driver: ProcessDriver,
    pub host: Arc<Answers>,
    /// Whose environments are built.
    pub project: ProjectName,
    numbers: AtomicU64,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(SandboxConfig::new(SandboxMode::On, launcher()))
    }

    pub fn with(sandbox: SandboxConfig) -> Bench {
        Bench::with_variables(sandbox, std::env::vars_os())
    }

    /// One whose functions see `folder`.
    pub fn showing(mut sandbox: SandboxConfig, folder: &Path) -> Bench {
        sandbox.shown.push(folder.to_owned());
        Bench::with(sandbox)
    }

    /// One whose builds may use so much.
    pub fn with_limits(sandbox: SandboxConfig, limits: BuildLimits) -> Bench {
        Bench::made(apart(sandbox), limits, std::env::vars_os(), None)
    }

    /// One whose workers have `most` bytes of memory at most.
    pub fn with_memory(most: u64) -> Bench {
        let sandbox = SandboxConfig::new(SandboxMode::On, launcher());
        Bench::made(apart(sandbox), BuildLimits::default(), std::env::vars_os(), Some(most))
    }

    /// One whose builder knows `variables` as its own environment.
    pub fn with_variables(sandbox: SandboxConfig, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Bench {
        Bench::made(apart(sandbox), BuildLimits::default(), variables, None)
    }

    /// One whose workers have their memory limited by groups where the machine lets them.
    pub fn with_memory_groups() -> Bench {
        let sandbox = SandboxConfig::new(SandboxMode::On, launcher());
        Bench::made(sandbox, BuildLimits::default(), std::env::vars_os(), None)
    }

    fn made(
        mut sandbox: SandboxConfig,
        limits: BuildLimits,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        memory_bytes_max: Option<u64>,
    ) -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let shown = directory.path().join("shown");
        std::fs::create_dir(&shown).unwrap();
        sandbox.shown.push(shown);
        let sandbox = Sandbox::open(sandbox).unwrap();
        let mut building = BuilderConfig::new(directory.path()).with_variables(variables);
        building.sandbox = sandbox.clone();
        building.limits = limits;
        let builder = PackageBuilder::new(building);
        let mut config = DriverConfig::new(directory.path(), sandbox);
        config.memory_bytes_max = memory_bytes_max;
        if let Some(path) = std::env::var_os("PATH") {
            config.search_path = path;
        }
        let driver = ProcessDriver::new(config).unwrap();
        Bench {
            builder: builder.unwrap(),
            driver,
            host: Arc::default(),
            project: ProjectName::default(),
            directory,
            numbers: AtomicU64::new(1),
        }
    }

    /// A folder that all functions see.
    pub fn shown(&self) -> PathBuf {
        self.directory.path().join("shown")
    }

    pub async fn unpack(&self, file_name: &str, content: impl Into<Vec<u8>>) -> Unpacked {
        let package = Package { file_name: file_name.to_owned(), content: content.into().into() };
        self.builder.unpack(package).await.unwrap()
    }

    pub async fn environment(&self, unpacked: &Unpacked, spec: &FunctionSpec) -> Environment {
        self.builder.environment(&self.project, unpacked, spec, &Lines::default()).await.unwrap()
    }

    /// A launch of the package in `directory`.
    pub fn launch_of(&self, directory: &Path, environment: Environment, spec: FunctionSpec) -> Launch {
        Launch {
            worker: WorkerId(format!("w-{}", self.numbers.fetch_add(1, Ordering::Relaxed)).into()),
            function: "conformance".parse().unwrap(),
            revision: RevisionNumber(1),
            spec: Arc::new(spec),
            directory: directory.to_owned(),
            environment,
            host: self.host.clone(),
        }
    }

    /// Launches one source file; the runtime follows from its name.
    pub async fn try_launch(
        &self,
        file_name: &str,
        source: &str,
        settings: impl FnOnce(&mut FunctionSpec),
    ) -> Result<Arc<dyn Worker>, LaunchError> {
        let runtime = match file_name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "py" => Runtime::Python(None),
            "js" | "mjs" => Runtime::Nodejs,
            "sh" => Runtime::Shell,
            _ => Runtime::Binary,
        };
        let mut spec = FunctionSpec::new(runtime);
        settings(&mut spec);
        let unpacked = self.unpack(file_name, source).await;
        let environment = self.environment(&unpacked, &spec).await;
        self.driver.launch(self.launch_of(&unpacked.directory, environment, spec)).await
    }

    pub async fn launch(&self, file_name: &str, source: &str) -> Arc<dyn Worker> {
        self.try_launch(file_name, source, |_| {}).await.unwrap_or_else(|error| panic!("{error}\n{:?}", error.logs))
    }
}

/// The processes that this test process has started and that still exist, zombies included, by id and state.
pub fn children() -> Vec<(u32, char)> {
    let own = std::process::id();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next().and_then(|field| field.chars().next()).unwrap_or('?');
        if fields.next().and_then(|field| field.parse::<u32>().ok()) == Some(own) {
            found.push((pid, state));
        }
    }
    found
}
