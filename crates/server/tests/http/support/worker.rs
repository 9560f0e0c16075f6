//! Packages that are nothing but a manifest, and workers that do what the event's path says.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tidemill_core::{
    Event, InvocationId, ProjectName, Timestamp,
    id::Digest,
    invocation::{AttemptOutcome, LogLevel, LogLine, Reply},
    ports::{
        BuildError, Builder, Call, CallEnd, CallOutcome, Driver, Environment, Launch, LaunchError, ManifestText,
        Package, Progress, Unpacked, Worker, WorkerId,
    },
    spec::FunctionSpec,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where workers wait, and how often they were called.
pub struct Gate {
    pub calls: AtomicU32,
    pub entered: AtomicU32,
    pub left: AtomicU32,
    open: watch::Sender<bool>,
}

impl Gate {
    pub fn new() -> Gate {
        let zero = AtomicU32::default;
        Gate { calls: zero(), entered: zero(), left: zero(), open: watch::channel(false).0 }
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    async fn pass(&self) {
        self.entered.fetch_add(1, Ordering::SeqCst);
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.expect("the gate outlives its waiters");
        self.left.fetch_add(1, Ordering::SeqCst);
    }
}

/// Takes the content of a package for its manifest.
pub struct FakeBuilder;

fn unpacked(file_name: &str, content: &str) -> Unpacked {
    let sum = content.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let digest: Digest = format!("{sum:064x}").parse().expect("it has 64 digits");
    let stem = file_name.split('.').next().unwrap_or(file_name).to_owned();
    let manifest = (!content.is_empty()).then(|| ManifestText {
        file: "function.yaml".to_owned(),
        first_line: 1,
        text: content.to_owned(),
        inline: false,
    });
    Unpacked { digest, directory: PathBuf::from("/"), files: vec![format!("{stem}.py")], stem, manifest }
}

#[async_trait]
impl Builder for FakeBuilder {
    async fn unpack(&self, package: Package) -> Result<Unpacked, BuildError> {
        match std::str::from_utf8(&package.content) {
            Ok(text) => Ok(unpacked(&package.file_name, text)),
            Err(_) => Err(BuildError::Package(format!("{} is damaged", package.file_name))),
        }
    }

    async fn open(&self, _digest: &Digest) -> Result<Unpacked, BuildError> {
        Ok(unpacked("stored.py", ""))
    }

    async fn environment(
        &self,
        _project: &ProjectName,
        _unpacked: &Unpacked,
        spec: &FunctionSpec,
        progress: &dyn Progress,
    ) -> Result<Environment, BuildError> {
        progress.line("looking for requirements");
        if spec.build.requirements.iter().any(|line| line == "no-such-package") {
            return Err(BuildError::Command {
                step: "pip install".to_owned(),
                reason: "exit status 1".to_owned(),
                output: "ERROR: No matching distribution found for no-such-package".to_owned(),
            });
        }
        Ok(Environment::default())
    }
}

/// Starts [`FakeWorker`]s.
pub struct FakeDriver(pub Arc<Gate>);

#[async_trait]
impl Driver for FakeDriver {
    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
        if launch.spec.env.iter().any(|var| var.name == "BROKEN") {
            let reason =
                "Traceback (most recent call last):\n  File \"x.py\", line 1\nImportError: no module".to_owned();
            return Err(LaunchError { reason, logs: Vec::new() });
        }
        Ok(Arc::new(FakeWorker { id: launch.worker, gate: Arc::clone(&self.0), gone: CancellationToken::new() }))
    }

    async fn warm(&self, _launch: &Launch) {}

    async fn close(&self) {}
}

struct FakeWorker {
    id: WorkerId,
    gate: Arc<Gate>,
    gone: CancellationToken,
}

fn log(level: LogLevel, message: &str) -> LogLine {
    LogLine { time: Timestamp(1), level, message: message.to_owned(), fields: None }
}

fn text(status: u16, body: impl Into<bytes::Bytes>) -> CallOutcome {
    let headers = vec![("x-reply".to_owned(), "1".to_owned())];
    let content_type = "text/plain".to_owned();
    CallOutcome::Replied(vec![Reply { status, content_type, headers, body: body.into() }])
}

impl FakeWorker {
    async fn handle(&self, event: &Event) -> CallOutcome {
        match event.path.as_str() {
            "/envelope" => text(200, serde_json::to_vec(event).expect("an event is plain data")),
            "/teapot" => text(418, "short and stout"),
            "/empty" => text(204, ""),
            "/fail" => CallOutcome::Raised { message: "ValueError: no such size".to_owned(), status: 500 },
            "/crash" => CallOutcome::Broken {
                outcome: AttemptOutcome::Crashed,
                reason: "the worker was ended by signal 9".to_owned(),
            },
            "/block" => {
                self.gate.pass().await;
                text(200, "let through")
            }
            _ => text(200, event.body.clone()),
        }
    }
}

#[async_trait]
impl Worker for FakeWorker {
    fn id(&self) -> &WorkerId {
        &self.id
    }

    fn slots(&self) -> u32 {
        16
    }

    async fn call(&self, call: &Call) -> CallEnd {
        self.gate.calls.fetch_add(1, Ordering::SeqCst);
        let outcome = self.handle(&call.events[0]).await;
        let logs = vec![log(LogLevel::Debug, "quiet"), log(LogLevel::Warn, "loud")];
        CallEnd::new(outcome, logs, Duration::from_micros(5))
    }

    fn is_alive(&self) -> bool {
        !self.gone.is_cancelled()
    }

    async fn gone(&self) {
        self.gone.cancelled().await;
    }

    async fn stop(&self, _grace: Duration) {
        self.gone.cancel();
    }

    async fn cancel(&self, _invocation: InvocationId) {}
}
