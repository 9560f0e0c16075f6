//! Containers that live in the test. They do what the message says, and print what they are given as Abaco's sample does.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tidemill_core::{
    InvocationId, ProjectName, Timestamp,
    id::Digest,
    invocation::{AttemptOutcome, LogLevel, LogLine, Reply, RunReport},
    ports::{
        BuildError, Builder, Call, CallEnd, CallOutcome, Driver, Environment, Launch, LaunchError, Package, Place,
        Progress, Unpacked, Worker, WorkerId,
    },
    spec::{FunctionSpec, Runtime},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the test sees of its containers, and holds.
pub struct Stage {
    /// Containers that wait.
    pub entered: AtomicU32,
    /// What was posted to webhooks: address and body.
    pub posts: Mutex<Vec<(String, serde_json::Value)>>,
    open: watch::Sender<bool>,
}

impl Stage {
    pub fn new() -> Stage {
        Stage { entered: AtomicU32::new(0), posts: Mutex::default(), open: watch::channel(false).0 }
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    async fn pass(&self) {
        self.entered.fetch_add(1, Ordering::SeqCst);
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.expect("the stage outlives its containers");
    }
}

/// Has no packages.
pub struct NoPackages;

#[async_trait]
impl Builder for NoPackages {
    async fn unpack(&self, package: Package) -> Result<Unpacked, BuildError> {
        let stem = package.file_name.trim_end_matches('/').to_owned();
        let digest: Digest = "0".repeat(64).parse().expect("it has 64 digits");
        Ok(Unpacked { digest, directory: PathBuf::from("/"), files: Vec::new(), stem, manifest: None })
    }

    async fn open(&self, _digest: &Digest) -> Result<Unpacked, BuildError> {
        self.unpack(Package::empty("stored")).await
    }

    async fn environment(
        &self,
        _project: &ProjectName,
        _unpacked: &Unpacked,
        _spec: &FunctionSpec,
        _progress: &dyn Progress,
    ) -> Result<Environment, BuildError> {
        Ok(Environment::default())
    }
}

/// Starts [`Container`]s. The image `broken` cannot be had.
pub struct StageDriver(pub Arc<Stage>);

#[async_trait]
impl Driver for StageDriver {
    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
        let image = launch.spec.container.as_ref().map(|container| container.image.clone()).unwrap_or_default();
        if image == "broken" {
            let reason = "the image broken cannot be pulled: no such image".to_owned();
            return Err(LaunchError { reason, logs: Vec::new() });
        }
        Ok(Arc::new(Container {
            id: launch.worker,
            spec: launch.spec,
            image,
            stage: Arc::clone(&self.0),
            gone: CancellationToken::new(),
            killed: Mutex::default(),
            printed: Mutex::default(),
        }))
    }

    async fn warm(&self, _launch: &Launch) {}

    async fn close(&self) {}
}

struct Container {
    id: WorkerId,
    spec: Arc<FunctionSpec>,
    image: String,
    stage: Arc<Stage>,
    gone: CancellationToken,
    killed: Mutex<CancellationToken>,
    printed: Mutex<Vec<LogLine>>,
}

fn line(message: String) -> LogLine {
    LogLine { time: Timestamp(1), level: LogLevel::Info, message, fields: None }
}

impl Container {
    fn print(&self, text: impl Into<String>) {
        self.printed.lock().push(line(text.into()));
    }

    /// Prints what the execution was given.
    fn introduce(&self, call: &Call) {
        let event = &call.events[0];
        self.print(format!("Contents of MSG: {}", String::from_utf8_lossy(&event.body)));
        self.print("Environment:");
        for var in &self.spec.env {
            self.print(format!("{}={}", var.name, var.value));
        }
        for (name, value) in form_urlencoded::parse(event.query.as_bytes()) {
            self.print(format!("{name}={value}"));
        }
        for (name, value) in &event.headers {
            self.print(format!("header {name}: {value}"));
        }
        self.print(format!("_abaco_username={}", event.caller));
        let state = call.state.as_ref().map(|state| String::from_utf8_lossy(state).into_owned());
        self.print(format!("_abaco_actor_state={}", state.unwrap_or_default()));
        for (name, value) in call.configs.iter() {
            self.print(format!("config {name}={value}"));
        }
    }

    /// Does what the message says.
    async fn act(&self, call: &Call, end: &mut CallEnd, report: &mut RunReport) {
        let message = String::from_utf8_lossy(&call.events[0].body).into_owned();
        let (word, rest) = message.split_once(' ').unwrap_or((&message, ""));
        match word {
            "block" => self.stage.pass().await,
            "exit" => report.exit_code = rest.parse().ok(),
            "print" => self.print(rest),
            "result" => end.results = rest.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect(),
            "state" => end.state = Some(Bytes::copy_from_slice(rest.as_bytes())),
            _ => {}
        }
    }

    fn post(&self, call: &Call) -> CallEnd {
        let body = serde_json::from_slice(&call.events[0].body).expect("a notice is JSON");
        self.stage.posts.lock().push((self.spec.handler.clone(), body));
        CallEnd::new(CallOutcome::Replied(vec![Reply { status: 200, ..Reply::default() }]), Vec::new(), Duration::ZERO)
    }
}

#[async_trait]
impl Worker for Container {
    fn id(&self) -> &WorkerId {
        &self.id
    }

    fn slots(&self) -> u32 {
        1
    }

    async fn call(&self, call: &Call) -> CallEnd {
        if self.spec.runtime == Runtime::Webhook {
            return self.post(call);
        }
        let killed = CancellationToken::new();
        *self.killed.lock() = killed.clone();
        self.printed.lock().clear();
        self.introduce(call);
        let mut report =
            RunReport { exit_code: Some(0), cpu_ns: 1_000, io_bytes: 10, run_us: 2_500_000, ..RunReport::default() };
        let replied = CallOutcome::Replied(vec![Reply { status: 200, ..Reply::default() }]);
        let mut end = CallEnd::new(replied, Vec::new(), Duration::from_micros(5));
        tokio::select! {
            () = self.act(call, &mut end, &mut report) => {}
            () = killed.cancelled() => {
                report.exit_code = Some(137);
                let reason = "somebody ended it".to_owned();
                end.outcome = CallOutcome::Broken { outcome: AttemptOutcome::Cancelled, reason };
            }
        }
        report.final_state = serde_json::json!({
            "Status": "exited", "ExitCode": report.exit_code, "OOMKilled": false,
            "StartedAt": "2026-11-22T07:08:09.5Z", "FinishedAt": "2026-11-22T07:08:12Z",
        });
        end.report = Some(report);
        end.logs = self.printed.lock().clone();
        end
    }

    async fn logs_so_far(&self, _invocation: InvocationId) -> Option<Vec<LogLine>> {
        Some(self.printed.lock().clone())
    }

    fn is_alive(&self) -> bool {
        !self.gone.is_cancelled()
    }

    fn place(&self) -> Place {
        Place { driver: "stage".to_owned(), image: self.image.clone(), instance: format!("cid-{}", self.id) }
    }

    async fn gone(&self) {
        self.gone.cancelled().await;
    }

    async fn stop(&self, _grace: Duration) {
        self.gone.cancel();
    }

    async fn cancel(&self, _invocation: InvocationId) {
        self.killed.lock().cancel();
    }
}
