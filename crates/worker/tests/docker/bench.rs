//! A driver on an engine.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tidemill_core::{
    InvocationId, RevisionNumber,
    ports::{Call, CallEnd, Driver, Environment, Launch, LaunchError, Worker, WorkerId},
    spec::{Completion, Container, FunctionSpec, Runtime},
};
use tidemill_worker::{ContainerConfig, ContainerDriver};

use crate::{
    common::{Answers, wait_for},
    engine::{Engine, IMAGE},
};

pub struct Bench {
    pub engine: Engine,
    pub driver: ContainerDriver,
    pub directory: Arc<tempfile::TempDir>,
    pub instance: String,
}

pub fn config(engine: &Engine, directory: &tempfile::TempDir, instance: &str) -> ContainerConfig {
    ContainerConfig { address: Some(engine.address()), ..ContainerConfig::new(instance, directory.path().join("run")) }
}

/// A function of the test image that runs `script`.
pub fn script(script: &str) -> FunctionSpec {
    let container = Container {
        image: IMAGE.to_owned(),
        command: Some(["sh", "-c", script].map(str::to_owned).into()),
        networks: vec!["none".to_owned()],
        ..Container::default()
    };
    FunctionSpec { container: Some(Box::new(container)), ..FunctionSpec::new(Runtime::Image) }
}

/// The same as an actor of Abaco: it is complete once it ran.
pub fn actor(text: &str) -> FunctionSpec {
    FunctionSpec { completion: Completion::Run, ..script(text) }
}

pub fn launch(spec: FunctionSpec) -> Launch {
    Launch {
        worker: WorkerId("w-1".into()),
        function: "TACC:Zx1".parse().unwrap(),
        revision: RevisionNumber(3),
        spec: Arc::new(spec),
        directory: PathBuf::new(),
        environment: Environment::default(),
        host: Arc::<Answers>::default(),
    }
}

impl Bench {
    pub fn new() -> Bench {
        Bench::on(Engine::shared())
    }

    pub fn on(engine: Engine) -> Bench {
        Bench::with(engine, |_| {})
    }

    pub fn with(engine: Engine, change: impl FnOnce(&mut ContainerConfig)) -> Bench {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let instance = format!("test-{}", uuid::Uuid::now_v7().simple());
        let mut config = config(&engine, &directory, &instance);
        change(&mut config);
        Bench { driver: ContainerDriver::new(config).unwrap(), engine, directory, instance }
    }

    /// The driver of another process on the same data.
    pub fn again(&self) -> Bench {
        let Bench { engine, directory, instance, .. } = self;
        let driver = ContainerDriver::new(config(engine, directory, instance)).unwrap();
        Bench { engine: engine.clone(), driver, directory: directory.clone(), instance: instance.clone() }
    }

    pub async fn try_worker(&self, spec: FunctionSpec) -> Result<Arc<dyn Worker>, LaunchError> {
        self.driver.launch(launch(spec)).await
    }

    pub async fn worker(&self, spec: FunctionSpec) -> Arc<dyn Worker> {
        self.try_worker(spec).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn call(&self, spec: FunctionSpec, call: Call) -> CallEnd {
        self.worker(spec).await.call(&call).await
    }

    pub fn containers(&self) -> Vec<String> {
        self.engine.containers(&self.instance)
    }

    /// The container of the call that runs, once it has printed `text`.
    pub async fn until_printed(&self, text: &str) -> String {
        let mut found = None;
        wait_for("the container has printed its line", || {
            let id = self.containers().into_iter().next();
            let logs = id.as_ref().and_then(|id| self.engine.docker(&["logs", id]).ok());
            found = id;
            logs.is_some_and(|logs| logs.contains(text))
        })
        .await;
        found.unwrap()
    }

    pub async fn until_nothing_is_left(&self) {
        wait_for("no container is left", || self.containers().is_empty()).await;
        let run = self.directory.path().join("run");
        let names = || std::fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name());
        wait_for("no folder is left", || names().all(|name| name == "wrappers")).await;
    }
}

/// What a call printed, a line each.
pub fn printed(end: &CallEnd) -> Vec<&str> {
    end.logs.iter().map(|line| line.message.as_str()).collect()
}

/// A long time, for what ends by other means.
pub const LONG: Duration = Duration::from_secs(300);

/// Waits until Tidemill has seen a line of the call.
pub async fn until_logged(worker: &dyn Worker, invocation: InvocationId) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while worker.logs_so_far(invocation).await.is_none_or(|lines| lines.is_empty()) {
        assert!(tokio::time::Instant::now() < deadline, "never logged");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
