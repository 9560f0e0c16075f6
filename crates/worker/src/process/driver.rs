//! Launching.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tidemill_core::{
    invocation::AttemptOutcome,
    ports::{Driver, Launch, LaunchError, Place, Worker},
    spec::Runtime,
};
use tidemill_sandbox::Finding;
use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;

use super::{
    environment::{base_environment, function_environment},
    fresh::{Fresh, Recipe},
    memory::{self, Watch},
    runtimes,
    sandbox::{Confined, folders},
    spare::Spares,
    spawn::Spawner,
    vessel::ProcessVessel,
};
use crate::{
    exchange::Folders,
    linked::{Introduction, Link, LinkedWorker, refused},
    sandbox::Sandbox,
    shell::ShellWorker,
    words::human_bytes,
};

/// The settings of a [`ProcessDriver`].
#[derive(Clone, Debug)]
pub struct DriverConfig {
    /// The data folder: the wrappers of the runtimes are written to `runtimes/` in it, what shell programs exchange to `exchange/`.
    pub directory: PathBuf,
    /// The `PATH` of workers.
    pub search_path: OsString,
    /// Calls that an asynchronous worker takes at once.
    pub slots_max: u32,
    /// The most memory of a worker and all that it starts, in bytes, which is also what one has whose function sets no limit. `None`
    /// leaves it to the functions.
    pub memory_bytes_max: Option<u64>,
    /// What workers are put into; `None` for nothing.
    pub sandbox: Option<Arc<Sandbox>>,
}

impl DriverConfig {
    /// The defaults, with `directory` as the data folder, the usual folders as `PATH`, 64 slots, memory as functions ask for it and
    /// `sandbox`.
    pub fn new(directory: impl Into<PathBuf>, sandbox: Option<Arc<Sandbox>>) -> DriverConfig {
        DriverConfig {
            directory: directory.into(),
            search_path: "/usr/local/bin:/usr/bin:/bin".into(),
            slots_max: 64,
            memory_bytes_max: None,
            sandbox,
        }
    }
}

/// The driver's name in [`Place`](tidemill_core::ports::Place)s.
pub(crate) const DRIVER: &str = "process";

/// What all workers of a driver share.
pub(crate) struct Parts {
    pub spawner: Spawner,
    pub tasks: TaskTracker,
    pub search_path: OsString,
    /// The folders by which shell programs exchange state and messages.
    pub exchanges: Folders,
    slots_max: u32,
    memory_bytes_max: Option<u64>,
    /// Where the wrappers lie.
    home: PathBuf,
    spares: Spares,
    watch: Watch,
    /// Interpreters whose wrapper has been compiled ahead, or is being compiled.
    compiled: Mutex<BTreeMap<PathBuf, Arc<OnceCell<()>>>>,
    /// The workers that live.
    links: Mutex<Vec<Weak<Link>>>,
}

/// Starts workers as processes of this machine. See the crate's `process` module.
pub struct ProcessDriver {
    parts: Arc<Parts>,
}

impl ProcessDriver {
    /// A driver without workers. Writes the wrappers of the runtimes to disk.
    pub fn new(config: DriverConfig) -> io::Result<ProcessDriver> {
        let parts = Parts {
            spawner: Spawner::new(config.sandbox)?,
            tasks: TaskTracker::new(),
            search_path: config.search_path,
            exchanges: Folders::open(config.directory.join("exchange"))?,
            slots_max: config.slots_max.max(1),
            memory_bytes_max: config.memory_bytes_max,
            home: runtimes::install(&config.directory.join("runtimes"))?,
            spares: Spares::new(),
            watch: Watch::new(),
            compiled: Mutex::default(),
            links: Mutex::default(),
        };
        Ok(ProcessDriver { parts: Arc::new(parts) })
    }

    /// The mechanisms of the sandbox, and what there is of each; `None` when it is off.
    pub fn sandbox(&self) -> Option<&[Finding]> {
        self.parts.spawner.sandbox().map(Sandbox::findings)
    }

    async fn launch_process(&self, launch: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
        let parts = &self.parts;
        let recipe = parts.recipe(&launch);
        let fresh = match parts.spares.take(&recipe) {
            Some(fresh) => fresh,
            None => {
                parts.compile(&launch.spec.runtime, &recipe.program).await;
                Fresh::start(&parts.spawner, &recipe).await.map_err(|error| cannot_start(&recipe.program, &error))?
            }
        };
        let started = parts.hand_function(&launch, fresh).await;
        if launch.spec.runtime != Runtime::Binary && self.parts.has_spares() {
            let parts = parts.clone();
            self.parts.tasks.spawn(async move { parts.spares.replenish(&parts.spawner, &recipe).await });
        }
        started.map(|worker| Arc::new(worker) as Arc<dyn Worker>)
    }
}

impl Parts {
    /// Whether one spare does for all functions of a runtime. Where each needed its own there would be as many as functions.
    fn has_spares(&self) -> bool {
        self.spawner.sandbox().is_none_or(Sandbox::shows_later)
    }

    fn recipe(&self, launch: &Launch) -> Recipe {
        let program = launch.environment.program.clone();
        let network = launch.spec.sandbox.network;
        let own = folders(&launch.directory, &launch.environment);
        let shows_later = self.spawner.sandbox().is_some_and(Sandbox::shows_later);
        match runtimes::command_line(&launch.spec.runtime, &self.home) {
            Some((arguments, further)) => {
                let mut environment = base_environment(&self.search_path);
                environment.extend(further);
                let mut shown = vec![self.home.clone()];
                if self.spawner.sandbox().is_some() && !shows_later {
                    shown.extend(own);
                }
                Recipe {
                    program,
                    arguments,
                    environment,
                    directory: "/".into(),
                    shown,
                    network,
                    memory_bytes: self.memory_bytes_max,
                }
            }
            // Such a process is never a spare, so it gets all at once.
            None => Recipe {
                program,
                arguments: Vec::new(),
                environment: function_environment(launch, &self.search_path),
                directory: launch.directory.clone(),
                shown: own,
                network,
                memory_bytes: launch.spec.resources.memory_bytes,
            },
        }
    }

    /// Gives a function that sets no limit of memory the most that there is, and refuses one that wants more.
    fn limit_memory(&self, launch: &mut Launch) -> Result<(), LaunchError> {
        let Some(most) = self.memory_bytes_max else { return Ok(()) };
        match launch.spec.resources.memory_bytes {
            Some(wanted) if wanted > most => Err(refused(format!(
                "resources.limits.memory asks for {}; a worker may have {} at most, as the server's setting workers.memory says",
                human_bytes(wanted),
                human_bytes(most)
            ))),
            Some(_) => Ok(()),
            None => {
                Arc::make_mut(&mut launch.spec).resources.memory_bytes = Some(most);
                Ok(())
            }
        }
    }

    /// Shows a process that has been told nothing yet the function that it will run.
    async fn show_function(&self, launch: &Launch, confined: Arc<Confined>) -> Result<(), LaunchError> {
        let is_late =
            launch.spec.runtime != Runtime::Binary && self.spawner.sandbox().is_some_and(Sandbox::shows_later);
        let shown = if is_late { folders(&launch.directory, &launch.environment) } else { Vec::new() };
        let resources = launch.spec.resources;
        let showing = tokio::task::spawn_blocking(move || confined.show(shown, resources));
        let done = showing.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        done.map_err(|error| refused(format!("the worker's sandbox could not be set up: {error}")))
    }

    fn remember(&self, link: &Arc<Link>) {
        let mut links = self.links.lock();
        links.retain(|link| link.strong_count() > 0);
        links.push(Arc::downgrade(link));
    }

    async fn compile(&self, runtime: &Runtime, program: &Path) {
        let cell = self.compiled.lock().entry(program.to_owned()).or_default().clone();
        cell.get_or_init(|| runtimes::compile(runtime, program, &self.home)).await;
    }

    async fn hand_function(&self, launch: &Launch, fresh: Fresh) -> Result<LinkedWorker, LaunchError> {
        let Fresh { process, connection } = fresh;
        let limit = launch.spec.resources.memory_bytes;
        let leash = process.leash();
        if let Some(confined) = leash.confined().cloned() {
            self.show_function(launch, confined).await?;
        }
        let pid = leash.pid();
        let instance = pid.as_raw_nonzero().to_string();
        let place = Place { driver: DRIVER.to_owned(), instance, ..Place::default() };
        let vessel = ProcessVessel::new(process, self.spawner.clone());
        let introduction = Introduction::new(launch, connection, vessel, leash, limit, place);
        if let Some(limit) = limit {
            let backed = match memory::set_backstop(pid, limit) {
                // A server in a container may lack the right to; the watch holds the limit, and so does a group.
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
                other => other,
            };
            let limited = backed.and_then(|()| self.watch.add(introduction.link()));
            limited.map_err(|error| refused(format!("the memory limit could not be set: {error}")))?;
        }
        self.remember(introduction.link());
        let env = function_environment(launch, &self.search_path);
        introduction.make(launch, &env, self.slots_max, &self.tasks).await
    }
}

pub(crate) fn cannot_start(program: &Path, error: &io::Error) -> LaunchError {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => " (is it executable?)",
        io::ErrorKind::NotFound => " (is the interpreter in its first line installed?)",
        _ => "",
    };
    refused(format!("{} could not be started: {error}{hint}", program.display()))
}

#[async_trait]
impl Driver for ProcessDriver {
    async fn launch(&self, mut launch: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
        if self.parts.tasks.is_closed() {
            return Err(refused("the driver is closed"));
        }
        if launch.spec.is_contained() || launch.spec.runtime == Runtime::Webhook {
            let what = if launch.spec.is_contained() { "in containers" } else { "as posts to its URL" };
            return Err(refused(format!("this function runs {what}; processes of this machine cannot run it")));
        }
        if let Some(refusal) = self.parts.spawner.sandbox().and_then(Sandbox::refusal) {
            return Err(refused(refusal));
        }
        self.parts.limit_memory(&mut launch)?;
        if launch.spec.runtime == Runtime::Shell {
            return ShellWorker::launch(&self.parts, launch).map(|worker| Arc::new(worker) as Arc<dyn Worker>);
        }
        self.launch_process(launch).await
    }

    async fn warm(&self, launch: &Launch) {
        if matches!(launch.spec.runtime, Runtime::Python(_) | Runtime::Nodejs) {
            let recipe = self.parts.recipe(launch);
            self.parts.compile(&launch.spec.runtime, &recipe.program).await;
            if self.parts.has_spares() {
                self.parts.spares.replenish(&self.parts.spawner, &recipe).await;
            }
        }
    }

    async fn close(&self) {
        self.parts.spares.close();
        self.parts.tasks.close();
        let links = std::mem::take(&mut *self.parts.links.lock());
        for link in links.iter().filter_map(Weak::upgrade).filter(|link| !link.over.is_cancelled()) {
            link.condemn(None, AttemptOutcome::Interrupted, "the node stopped before the call had ended");
        }
        self.parts.watch.close();
        self.parts.tasks.wait().await;
        if let Some(sandbox) = self.parts.spawner.sandbox() {
            sandbox.launchers().close().await;
            sandbox.close();
        }
    }
}
