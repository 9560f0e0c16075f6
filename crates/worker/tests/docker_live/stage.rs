//! What the tests share: an engine with an image that has Python and Node.js, and a driver of their own.
//!
//! The engine is the one of `TIDEMILL_TEST_DOCKER` (the path of its socket). Without that variable one is started by
//! `scripts/docker-engine`, which needs root, and ended when the tests are over.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tidemill_core::{
    Event, InvocationId, RevisionNumber,
    invocation::{AttemptOutcome, Reply},
    ports::{
        Call, CallEnd, CallOutcome, CallRequest, Driver, Environment, Host, Launch, LaunchError, Progress, Worker,
        WorkerId,
    },
    spec::{Container, Contract, FunctionSpec, Pull, Runtime},
};
use tidemill_worker::{ContainerConfig, ContainerDriver};

/// The image with Python and Node.js.
pub const IMAGE: &str = "tidemill-test/languages";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The path of the socket of the engine that most tests share. The image is there.
pub fn socket() -> &'static str {
    static SOCKET: OnceLock<String> = OnceLock::new();
    SOCKET.get_or_init(|| {
        let given = std::env::var("TIDEMILL_TEST_DOCKER").ok().filter(|socket| !socket.is_empty());
        let socket = given.map_or_else(|| start("tmd"), |socket| socket.trim_start_matches("unix://").to_owned());
        make_image(&socket);
        socket
    })
}

/// An engine for one test, which may be killed: its folder, and its socket. The image is there.
pub fn own_engine() -> (String, String) {
    let socket = start("tme");
    make_image(&socket);
    (socket.trim_end_matches("/docker.sock").to_owned(), socket)
}

/// Runs `scripts/docker-engine`.
pub fn engine(command: &str, folder: &str) {
    let script = repository().join("scripts/docker-engine");
    let done = Command::new(script).args([command, folder]).stdout(Stdio::null()).status().unwrap();
    assert!(done.success(), "docker-engine {command} {folder}");
}

fn make_image(socket: &str) {
    if !docker_at(socket, &["image", "inspect", IMAGE]).0 {
        let script = repository().join("scripts/docker-python-image");
        let made = Command::new(script).args([socket, IMAGE]).status().unwrap();
        assert!(made.success(), "the image {IMAGE} was not made");
    }
}

/// Starts an engine, which ends with this process: whoever ends it waits for the end of a pipe that we hold.
fn start(prefix: &str) -> String {
    let script = repository().join("scripts/docker-engine");
    let folder = format!("/tmp/{prefix}-{}", std::process::id());
    let end = format!("cat >/dev/null; {0} stop {folder} >/dev/null 2>&1; rm -rf {folder}", script.display());
    let mut last = Command::new("setsid");
    last.args(["sh", "-c", &end]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    std::mem::forget(last.spawn().unwrap());
    let started = Command::new(script).args(["start", &folder]).stderr(Stdio::inherit()).output().unwrap();
    assert!(started.status.success(), "no engine could be started, and TIDEMILL_TEST_DOCKER names none");
    String::from_utf8(started.stdout).unwrap().trim().to_owned()
}

fn docker_at(socket: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("docker").args(["-H", &format!("unix://{socket}")]).args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `docker`, whose output comes back.
pub fn docker(arguments: &[&str]) -> String {
    let (is_good, output) = docker_at(socket(), arguments);
    assert!(is_good, "docker {arguments:?}");
    output
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The containers of a test are gone by now; their folders may be about to go.
        let _ = std::fs::remove_dir_all(self.memory_home());
    }
}

/// Keeps the lines of a build.
#[derive(Default)]
pub struct Lines(pub Mutex<Vec<String>>);

impl Progress for Lines {
    fn line(&self, text: &str) {
        self.0.lock().push(text.to_owned());
    }
}

/// Answers calls of functions with their path.
struct Echo;

#[async_trait]
impl Host for Echo {
    async fn call_function(&self, request: CallRequest) -> Result<Reply, String> {
        Ok(Reply { status: 200, body: format!("{} was called", request.function).into(), ..Reply::default() })
    }
}

/// A driver of its own.
pub struct Stage {
    pub driver: ContainerDriver,
    pub instance: String,
    socket: String,
    directory: tempfile::TempDir,
    numbers: AtomicU64,
}

impl Stage {
    pub fn new() -> Stage {
        static STAGES: AtomicU64 = AtomicU64::new(0);
        let number = STAGES.fetch_add(1, Ordering::Relaxed);
        Stage::of(format!("live-{}-{number}", std::process::id()), socket())
    }

    /// A driver of an instance that may have been there before, on the engine with this socket.
    pub fn of(instance: String, socket: &str) -> Stage {
        let directory = tempfile::Builder::new().prefix("tm").tempdir_in("/tmp").unwrap();
        let mut config = ContainerConfig::new(instance.clone(), directory.path().join("run"));
        config.address = Some(format!("unix://{socket}"));
        let driver = ContainerDriver::new(config).unwrap();
        Stage { driver, instance, socket: socket.to_owned(), directory, numbers: AtomicU64::new(1) }
    }

    /// A package of these files.
    pub fn package(&self, files: &[(&str, &[u8])]) -> PathBuf {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let folder = self.directory.path().join(format!("package-{number}"));
        std::fs::create_dir(&folder).unwrap();
        for (name, content) in files {
            std::fs::write(folder.join(name), content).unwrap();
        }
        folder
    }

    pub fn launch_of(&self, directory: PathBuf, spec: FunctionSpec) -> Launch {
        Launch {
            worker: WorkerId(format!("w-{}", self.numbers.fetch_add(1, Ordering::Relaxed)).into()),
            function: "docker-live".parse().unwrap(),
            revision: RevisionNumber(1),
            spec: Arc::new(spec),
            directory,
            environment: Environment::default(),
            host: Arc::new(Echo),
        }
    }

    /// Launches one source file in the image with the languages.
    pub async fn try_launch(
        &self,
        file: &str,
        source: &str,
        change: impl FnOnce(&mut FunctionSpec),
    ) -> Result<Arc<dyn Worker>, LaunchError> {
        let mut spec = language(file);
        change(&mut spec);
        let directory = self.package(&[(file, source.as_bytes())]);
        self.driver.launch(self.launch_of(directory, spec)).await
    }

    pub async fn launch(&self, file: &str, source: &str) -> Arc<dyn Worker> {
        self.try_launch(file, source, |_| {}).await.unwrap_or_else(|error| panic!("{error}\n{:#?}", error.logs))
    }

    /// Where the folders of its containers are, as long as it has some.
    pub fn memory_home(&self) -> PathBuf {
        format!("/dev/shm/tidemill-{}-{}", rustix::process::getuid().as_raw(), self.instance).into()
    }

    /// The containers of this driver.
    pub fn containers(&self) -> Vec<String> {
        let label = format!("label=tidemill.instance={}", self.instance);
        let (is_good, listed) = docker_at(&self.socket, &["ps", "-aq", "--no-trunc", "--filter", &label]);
        assert!(is_good, "the engine does not list containers");
        listed.lines().map(str::to_owned).collect()
    }

    /// Waits until no container is left.
    pub async fn until_nothing_is_left(&self) {
        wait_for("no container is left", || self.containers().is_empty()).await;
    }
}

fn language(file: &str) -> FunctionSpec {
    let runtime = if file.ends_with(".py") { Runtime::Python(None) } else { Runtime::Nodejs };
    contained(runtime, IMAGE, Contract::Worker)
}

/// A function in `image`, which is not pulled.
pub fn contained(runtime: Runtime, image: &str, contract: Contract) -> FunctionSpec {
    let container = Container { image: image.to_owned(), contract, pull: Pull::Never, ..Container::default() };
    FunctionSpec {
        container: Some(Box::new(container)),
        readiness_timeout: Duration::from_secs(60),
        ..FunctionSpec::new(runtime)
    }
}

pub fn invocation() -> InvocationId {
    InvocationId(uuid::Uuid::now_v7())
}

pub fn call(body: impl Into<Vec<u8>>) -> Call {
    let event = Event {
        id: "e-1".to_owned(),
        method: "POST".to_owned(),
        path: "/".to_owned(),
        body: body.into().into(),
        ..Event::default()
    };
    Call::single(invocation(), 1, event)
}

/// The body of the only response.
#[track_caller]
pub fn text(end: &CallEnd) -> String {
    match &end.outcome {
        CallOutcome::Replied(replies) => String::from_utf8_lossy(&replies[0].body).into_owned(),
        other => panic!("no response but {other:?}\n{:#?}", end.logs),
    }
}

/// Outcome and reason of a call that did not end by itself.
#[track_caller]
pub fn broken(end: &CallEnd) -> (AttemptOutcome, &str) {
    match &end.outcome {
        CallOutcome::Broken { outcome, reason } => (*outcome, reason),
        other => panic!("not broken but {other:?}"),
    }
}

/// The messages of a call's log.
pub fn logged(end: &CallEnd) -> Vec<&str> {
    end.logs.iter().map(|line| line.message.as_str()).collect()
}

/// Waits until `is_so` holds, for at most a minute.
pub async fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
