//! An engine in memory, with programs for images and faults on demand.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use parking_lot::Mutex;
use serde_json::json;
use tidemill_core::Timestamp;
use tokio::sync::watch;

use super::{
    BuildImage, ContainerEngine, ContainerFacts, ContainerId, ContainerSettings, ContainerStatus, ContainerSummary,
    Context, EngineError, EngineVersion, ImageFacts, LogChunk, LogSource, ProgressLine, Usage,
};

/// What the program in a container does at its start.
pub(crate) type AtStart = Arc<dyn Fn(&ContainerSettings) + Send + Sync>;

/// What a container of an image does.
#[derive(Clone, Default)]
pub(crate) struct Program {
    /// Printed at its start.
    pub lines: Vec<(LogSource, String)>,
    /// Its exit code when it ends at once; `None` runs until somebody ends it.
    pub exit_code: Option<i64>,
    /// Whether SIGTERM does nothing.
    pub ignores_term: bool,
    /// Whether nothing ends it, as a process that waits for a broken disk.
    pub never_ends: bool,
    /// Whether it is killed for memory.
    pub is_oom_killed: bool,
    /// Done at its start, as by the program in it.
    pub at_start: Option<AtStart>,
}

/// What is wrong with the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Nobody answers.
    Down,
    /// It accepts requests and does not answer them.
    Hung,
}

struct Fake {
    settings: ContainerSettings,
    program: Program,
    status: ContainerStatus,
    exit_code: i64,
    lines: Vec<LogChunk>,
}

#[derive(Default)]
struct State {
    images: BTreeMap<String, Program>,
    registry: BTreeMap<String, Program>,
    containers: BTreeMap<String, Fake>,
    fault: Fault,
    errors: BTreeMap<&'static str, VecDeque<EngineError>>,
    requests: Vec<String>,
    made: u32,
}

/// See the module.
pub(crate) struct FakeEngine {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<u64>,
}

impl FakeEngine {
    /// An engine without images and containers.
    pub fn new() -> Arc<FakeEngine> {
        Arc::new(FakeEngine { state: Arc::default(), changed: watch::Sender::new(0) })
    }

    /// Gives it an image.
    pub fn add_image(&self, name: &str, program: Program) {
        self.state.lock().images.insert(name.to_owned(), program);
    }

    /// Gives the registry an image, which must be pulled.
    pub fn add_remote_image(&self, name: &str, program: Program) {
        self.state.lock().registry.insert(name.to_owned(), program);
    }

    /// Breaks or mends it.
    pub fn set_fault(&self, fault: Fault) {
        self.state.lock().fault = fault;
        self.tell();
    }

    /// Lets the next request of the kind `what` fail.
    pub fn fail_next(&self, what: &'static str, error: EngineError) {
        self.state.lock().errors.entry(what).or_default().push_back(error);
    }

    /// Ends a container from outside, as its own program or `docker kill` would.
    pub fn end(&self, id: &ContainerId, exit_code: i64) {
        if let Some(fake) = self.state.lock().containers.get_mut(&*id.0) {
            finish(fake, exit_code);
        }
        self.tell();
    }

    /// Ends all containers, as an engine does that restarts.
    pub fn end_all(&self, exit_code: i64) {
        self.state.lock().containers.values_mut().for_each(|fake| finish(fake, exit_code));
        self.tell();
    }

    /// Lets a container print a line.
    pub fn print(&self, id: &ContainerId, source: LogSource, text: &str) {
        if let Some(fake) = self.state.lock().containers.get_mut(&*id.0) {
            print(fake, source, text);
        }
        self.tell();
    }

    /// The containers that are there.
    pub fn containers(&self) -> Vec<ContainerId> {
        self.state.lock().containers.keys().map(|id| ContainerId::new(id.as_str())).collect()
    }

    /// How a container was made.
    pub fn settings(&self, id: &ContainerId) -> Option<ContainerSettings> {
        self.state.lock().containers.get(&*id.0).map(|fake| fake.settings.clone())
    }

    /// The requests so far, as in `create`.
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().requests.clone()
    }

    /// Comes back when `is_so`. For tests, with a deadline.
    pub async fn until(&self, is_so: impl Fn(&FakeEngine) -> bool) {
        let mut changes = self.changed.subscribe();
        let wait = async {
            while !is_so(self) {
                let _ = tokio::time::timeout(Duration::from_millis(20), changes.changed()).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.expect("it never became so");
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn request<T>(
        &self,
        what: &'static str,
        answer: impl FnOnce(&mut State) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut state = self.state.lock();
        state.requests.push(what.to_owned());
        if let Some(error) = outage(&state) {
            return Err(error);
        }
        if let Some(error) = state.errors.get_mut(what).and_then(VecDeque::pop_front) {
            return Err(error);
        }
        let answer = answer(&mut state);
        drop(state);
        self.tell();
        answer
    }

    fn on<T>(
        &self,
        what: &'static str,
        id: &ContainerId,
        answer: impl FnOnce(&mut Fake) -> T,
    ) -> Result<T, EngineError> {
        self.request(what, |state| {
            let name = state.containers.iter().find(|(key, fake)| **key == *id.0 || fake.settings.name == *id.0);
            let key = name.map(|(key, _)| key.clone()).ok_or(EngineError::Gone)?;
            state.containers.get_mut(&key).map(answer).ok_or(EngineError::Gone)
        })
    }
}

fn outage(state: &State) -> Option<EngineError> {
    match state.fault {
        Fault::None => None,
        Fault::Down => {
            Some(EngineError::Unreachable { address: "fake".to_owned(), reason: "Connection refused".to_owned() })
        }
        Fault::Hung => Some(EngineError::TimedOut("anything")),
    }
}

fn print(fake: &mut Fake, source: LogSource, text: &str) {
    let number = i64::try_from(fake.lines.len()).unwrap_or(0);
    let time = Timestamp(1_700_000_000_000_000 + number);
    let bytes = Bytes::from(format!("{text}\n"));
    fake.lines.push(LogChunk { source, time, stamp: format!("{number:09}"), bytes });
}

fn finish(fake: &mut Fake, exit_code: i64) {
    if fake.status == ContainerStatus::Running {
        fake.status = ContainerStatus::Ended;
        fake.exit_code = exit_code;
    }
}

fn put_down(fake: &mut Fake, exit_code: i64) {
    if !fake.program.never_ends {
        finish(fake, exit_code);
    }
}

#[async_trait]
impl ContainerEngine for FakeEngine {
    fn address(&self) -> &str {
        "fake"
    }

    async fn version(&self) -> Result<EngineVersion, EngineError> {
        self.request("version", |_| Ok(EngineVersion { version: "1.2.3".to_owned(), api: "1.41".to_owned() }))
    }

    async fn image(&self, name: &str) -> Result<ImageFacts, EngineError> {
        self.request("image", |state| {
            let facts = ImageFacts { id: format!("sha256:{name}"), ..ImageFacts::default() };
            let known = state.images.get(name).map(|_| facts);
            known.ok_or_else(|| EngineError::NoImage(name.to_owned()))
        })
    }

    async fn pull(&self, name: &str, progress: ProgressLine<'_>) -> Result<(), EngineError> {
        self.request("pull", |state| {
            progress("Pulling");
            let program = state.registry.get(name).cloned().ok_or_else(|| EngineError::NoImage(name.to_owned()))?;
            state.images.insert(name.to_owned(), program);
            Ok(())
        })
    }

    async fn build(
        &self,
        build: &BuildImage,
        mut context: Context,
        progress: ProgressLine<'_>,
    ) -> Result<String, EngineError> {
        while let Some(piece) = context.next().await {
            piece.map_err(|error| EngineError::Refused(error.to_string()))?;
        }
        self.request("build", |state| {
            progress("Step 1/1");
            let ends = Program { exit_code: Some(0), ..Program::default() };
            state.images.entry(build.name.clone()).or_insert(ends);
            Ok(format!("sha256:{}", build.name))
        })
    }

    async fn create(&self, settings: &ContainerSettings) -> Result<ContainerId, EngineError> {
        self.request("create", |state| {
            let program = state.images.get(settings.image.trim_start_matches("sha256:")).cloned();
            let program = program.ok_or_else(|| EngineError::NoImage(settings.image.clone()))?;
            if state.containers.values().any(|fake| fake.settings.name == settings.name) {
                return Err(EngineError::Refused(format!("the name {} is in use", settings.name)));
            }
            state.made += 1;
            let id = format!("c{}", state.made);
            let status = ContainerStatus::Created;
            let fake = Fake { settings: settings.clone(), program, status, exit_code: 0, lines: Vec::new() };
            state.containers.insert(id.clone(), fake);
            Ok(ContainerId::new(id))
        })
    }

    async fn start(&self, id: &ContainerId) -> Result<(), EngineError> {
        self.on("start", id, |fake| {
            if fake.status != ContainerStatus::Created {
                return;
            }
            fake.status = ContainerStatus::Running;
            if let Some(at_start) = &fake.program.at_start {
                at_start(&fake.settings);
            }
            for (source, text) in fake.program.lines.clone() {
                print(fake, source, &text);
            }
            if let Some(code) = fake.program.exit_code {
                finish(fake, code);
            }
        })
    }

    async fn wait(&self, id: &ContainerId) -> Result<i64, EngineError> {
        let mut changes = self.changed.subscribe();
        self.on("wait", id, |_| ())?;
        loop {
            {
                let state = self.state.lock();
                if let Some(error) = outage(&state).filter(|_| state.fault == Fault::Down) {
                    return Err(error);
                }
                let fake = state.containers.get(&*id.0).ok_or(EngineError::Gone)?;
                if fake.status != ContainerStatus::Running {
                    return Ok(fake.exit_code);
                }
            }
            let _ = changes.changed().await;
        }
    }

    async fn stop(&self, id: &ContainerId, _grace: Duration) -> Result<(), EngineError> {
        self.on("stop", id, |fake| put_down(fake, if fake.program.ignores_term { 137 } else { 143 }))
    }

    async fn kill(&self, id: &ContainerId) -> Result<(), EngineError> {
        self.on("kill", id, |fake| put_down(fake, 137))
    }

    async fn remove(&self, id: &ContainerId) -> Result<(), EngineError> {
        self.request("remove", |state| {
            let is_it = |(key, fake): (&String, &Fake)| **key == *id.0 || fake.settings.name == *id.0;
            let stays = |fake: &Fake| fake.program.never_ends && fake.status == ContainerStatus::Running;
            if state.containers.iter().any(|entry| is_it(entry) && stays(entry.1)) {
                return Err(EngineError::Refused(
                    "could not kill: tried to kill it, but did not receive an exit".to_owned(),
                ));
            }
            state.containers.retain(|key, fake| **key != *id.0 && fake.settings.name != *id.0);
            Ok(())
        })
    }

    async fn inspect(&self, id: &ContainerId) -> Result<ContainerFacts, EngineError> {
        self.on("inspect", id, |fake| {
            let is_oom_killed = fake.program.is_oom_killed;
            ContainerFacts {
                id: id.clone(),
                status: fake.status,
                exit_code: fake.exit_code,
                is_oom_killed,
                error: String::new(),
                run_time: Some(Duration::from_millis(5)),
                state: json!({"ExitCode": fake.exit_code, "OOMKilled": is_oom_killed}),
                addresses: BTreeMap::new(),
                published: fake.settings.publish.iter().map(|port| (*port, *port)).collect(),
                labels: fake.settings.labels.clone(),
            }
        })
    }

    fn logs(
        &self,
        id: &ContainerId,
        _since: Option<i32>,
        follow: bool,
    ) -> BoxStream<'static, Result<LogChunk, EngineError>> {
        let follower = (self.state.clone(), self.changed.subscribe(), id.clone(), 0);
        unfold(follower, move |(state, mut changes, id, next)| async move {
            loop {
                {
                    let seen = state.lock();
                    // As an engine that is killed: the stream ends as if all were well.
                    let fake = seen.containers.get(&*id.0).filter(|_| seen.fault != Fault::Down)?;
                    let is_well = seen.fault == Fault::None;
                    let line = fake.lines.get(next).filter(|_| is_well).cloned();
                    let is_over = is_well && (!follow || fake.status != ContainerStatus::Running);
                    drop(seen);
                    match line {
                        Some(line) => return Some((Ok(line), (state, changes, id, next + 1))),
                        None if is_over => return None,
                        None => {}
                    }
                }
                changes.changed().await.ok()?;
            }
        })
        .boxed()
    }

    async fn usage(&self, id: &ContainerId) -> Result<Usage, EngineError> {
        self.on("usage", id, |_| Usage { cpu_ns: 7_000_000, io_bytes: 11, memory_bytes: 4096 })
    }

    async fn list(&self, labels: &BTreeMap<String, String>) -> Result<Vec<ContainerSummary>, EngineError> {
        self.request("list", |state| {
            let carries =
                |fake: &Fake| labels.iter().all(|(name, value)| fake.settings.labels.get(name) == Some(value));
            let listed = state.containers.iter().filter(|(_, fake)| carries(fake));
            Ok(listed
                .map(|(id, fake)| ContainerSummary {
                    id: ContainerId::new(id.as_str()),
                    name: fake.settings.name.clone(),
                    status: fake.status,
                    labels: fake.settings.labels.clone(),
                })
                .collect())
        })
    }

    async fn networks(&self) -> Result<Vec<String>, EngineError> {
        self.request("networks", |_| Ok(vec!["none".to_owned(), "host".to_owned(), "bridge".to_owned()]))
    }
}
