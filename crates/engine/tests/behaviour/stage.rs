//! Workers that do as the test says. Each call waits for the test's word, unless a script answers it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tidemill_core::{
    InvocationId, RevisionNumber, Timestamp,
    invocation::{AttemptOutcome, LogLevel, LogLine, Reply},
    ports::{Call, CallEnd, CallOutcome, Driver, Launch, LaunchError, Message, Place, Worker, WorkerId},
    spec::FunctionSpec,
};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::Instant,
};

/// Longer than anything takes here, in the runtime's time.
pub const LONG: Duration = Duration::from_secs(3600);

/// A success with a new state and messages.
pub fn changed(body: &str, state: Option<&str>, sends: Vec<Message>) -> CallEnd {
    let mut end = CallEnd::new(replied(200, body), Vec::new(), Duration::ZERO);
    end.state = state.map(|state| Bytes::copy_from_slice(state.as_bytes()));
    end.sends = sends;
    end
}

/// A message to a function.
pub fn message(function: &str, body: &str) -> Message {
    Message { function: function.into(), body: Bytes::copy_from_slice(body.as_bytes()), ..Message::default() }
}

/// A printed line.
pub fn printed(text: &str) -> LogLine {
    LogLine { time: Timestamp(0), level: LogLevel::Info, message: text.into(), fields: None }
}

/// The state that a call begins with, as text.
pub fn state(call: &Call) -> Option<&str> {
    call.state.as_deref().map(|state| std::str::from_utf8(state).expect("a text"))
}

/// A response of the function.
pub fn replied(status: u16, body: &str) -> CallOutcome {
    CallOutcome::Replied(vec![Reply { status, body: Bytes::copy_from_slice(body.as_bytes()), ..Reply::default() }])
}

pub fn broken(outcome: AttemptOutcome) -> CallOutcome {
    CallOutcome::Broken { outcome, reason: "as asked".into() }
}

/// A call that has reached a worker. When it is dropped the worker never answers.
pub struct Begun {
    pub call: Call,
    pub worker: String,
    answer: oneshot::Sender<CallEnd>,
}

impl Begun {
    pub fn body(&self) -> String {
        bodies(&self.call).join(" ")
    }

    pub fn ends_as(self, end: CallEnd) {
        let _ = self.answer.send(end);
    }

    pub fn ends(self, outcome: CallOutcome) {
        let _ = self.answer.send(CallEnd::new(outcome, Vec::new(), Duration::ZERO));
    }

    pub fn ends_with_logs(self, outcome: CallOutcome, logs: Vec<LogLine>) {
        let _ = self.answer.send(CallEnd::new(outcome, logs, Duration::ZERO));
    }

    /// Responds with 200 to each event.
    pub fn succeeds(self) {
        let replies = self.call.events.iter().map(|_| Reply { status: 200, ..Reply::default() }).collect();
        self.ends(CallOutcome::Replied(replies));
    }
}

pub fn bodies(call: &Call) -> Vec<String> {
    call.events.iter().map(|event| String::from_utf8_lossy(&event.body).into_owned()).collect()
}

/// How long a scripted call takes, and how it ends.
type Script = Box<dyn FnMut(&Launch, &Call) -> (Duration, CallEnd) + Send>;

/// How launches go.
#[derive(Clone, Default)]
pub struct Launching {
    pub takes: Duration,
    pub fails: Option<String>,
}

/// A worker that was started.
#[derive(Clone)]
pub struct Launched {
    pub revision: RevisionNumber,
    worker: Arc<FakeWorker>,
}

/// What the workers do and did.
pub struct Stage {
    pub launching: Mutex<Launching>,
    pub slots: AtomicU32,
    /// Launches fail through no fault of the function.
    pub outage: AtomicBool,
    script: Mutex<Option<Script>>,
    launched: Mutex<Vec<Launched>>,
    attempted: AtomicU32,
    cancelled: Mutex<Vec<InvocationId>>,
    /// How long it takes to end a call that somebody does not want.
    pub cancelling: Mutex<Duration>,
    /// What open calls have printed so far.
    pub so_far: Mutex<BTreeMap<InvocationId, Vec<LogLine>>>,
    begun: mpsc::UnboundedSender<Begun>,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Begun>>,
}

impl Stage {
    pub fn new() -> Arc<Stage> {
        let (begun, waiting) = mpsc::unbounded_channel();
        Arc::new(Stage {
            launching: Mutex::default(),
            slots: AtomicU32::new(1),
            outage: AtomicBool::new(false),
            script: Mutex::default(),
            launched: Mutex::default(),
            attempted: AtomicU32::new(0),
            cancelled: Mutex::default(),
            cancelling: Mutex::default(),
            so_far: Mutex::default(),
            begun,
            waiting: tokio::sync::Mutex::new(waiting),
        })
    }

    /// Answers all calls from now on.
    pub fn script(&self, mut script: impl FnMut(&Launch, &Call) -> (Duration, CallOutcome) + Send + 'static) {
        self.script_ends(move |launch, call| {
            let (takes, outcome) = script(launch, call);
            (takes, CallEnd::new(outcome, Vec::new(), takes))
        });
    }

    /// Answers all calls from now on, to the last detail.
    pub fn script_ends(&self, script: impl FnMut(&Launch, &Call) -> (Duration, CallEnd) + Send + 'static) {
        *self.script.lock() = Some(Box::new(script));
    }

    /// Every call succeeds, after `takes`.
    pub fn succeed(&self, takes: Duration) {
        self.script(move |_, call| {
            let reply = |body: String| Reply { status: 200, body: Bytes::from(body), ..Reply::default() };
            (takes, CallOutcome::Replied(bodies(call).into_iter().map(reply).collect()))
        });
    }

    pub fn launch(&self, takes: Duration, fails: Option<&str>) {
        *self.launching.lock() = Launching { takes, fails: fails.map(str::to_owned) };
    }

    /// The next call that reaches a worker.
    pub async fn next(&self) -> Begun {
        let next = async { self.waiting.lock().await.recv().await };
        tokio::time::timeout(LONG, next).await.ok().flatten().expect("no call reached a worker")
    }

    /// A call that has reached a worker already.
    pub fn peek(&self) -> Option<Begun> {
        self.waiting.try_lock().ok()?.try_recv().ok()
    }

    /// Launches begun, those that failed included.
    pub fn launches(&self) -> u32 {
        self.attempted.load(Ordering::Relaxed)
    }

    /// Living workers by revision.
    pub fn living(&self) -> BTreeMap<u32, usize> {
        let mut living = BTreeMap::new();
        for launched in self.launched.lock().iter().filter(|launched| launched.worker.is_alive()) {
            *living.entry(launched.revision.0).or_default() += 1;
        }
        living
    }

    /// Invocations that workers were told to end.
    pub fn cancelled(&self) -> Vec<InvocationId> {
        self.cancelled.lock().clone()
    }

    /// All workers die.
    pub fn kill(&self) {
        self.launched.lock().iter().for_each(|launched| launched.worker.die());
    }
}

/// Starts workers of the stage.
pub struct FakeDriver(pub Arc<Stage>);

#[async_trait]
impl Driver for FakeDriver {
    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
        let stage = &self.0;
        stage.attempted.fetch_add(1, Ordering::Relaxed);
        let Launching { takes, fails } = stage.launching.lock().clone();
        tokio::time::sleep(takes).await;
        if let Some(reason) = fails {
            return Err(LaunchError { reason, logs: Vec::new() });
        }
        let worker = Arc::new(FakeWorker {
            stage: stage.clone(),
            slots: stage.slots.load(Ordering::Relaxed),
            launch: launch.clone(),
            open: AtomicU32::new(0),
            gone: AtomicBool::new(false),
            changed: Notify::new(),
            ending: Mutex::default(),
        });
        stage.launched.lock().push(Launched { revision: launch.revision, worker: worker.clone() });
        Ok(worker)
    }

    async fn warm(&self, _launch: &Launch) {}

    async fn outage(&self, _spec: &FunctionSpec) -> Option<String> {
        self.0.outage.load(Ordering::Relaxed).then(|| "as asked".to_owned())
    }

    async fn close(&self) {}
}

struct FakeWorker {
    stage: Arc<Stage>,
    slots: u32,
    launch: Launch,
    open: AtomicU32,
    gone: AtomicBool,
    changed: Notify,
    ending: Mutex<Vec<InvocationId>>,
}

impl FakeWorker {
    fn die(&self) {
        self.gone.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// Comes back when `condition` holds.
    async fn until(&self, condition: impl Fn() -> bool) {
        loop {
            let changed = self.changed.notified();
            if condition() {
                return;
            }
            changed.await;
        }
    }

    async fn answer(&self, call: &Call) -> CallEnd {
        let scripted = self.stage.script.lock().as_mut().map(|script| script(&self.launch, call));
        if let Some((takes, end)) = scripted {
            tokio::time::sleep(takes).await;
            return end;
        }
        let (answer, answered) = oneshot::channel();
        let begun = Begun { call: call.clone(), worker: self.launch.worker.to_string(), answer };
        let _ = self.stage.begun.send(begun);
        match answered.await {
            Ok(end) => end,
            Err(_) => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Worker for FakeWorker {
    fn id(&self) -> &WorkerId {
        &self.launch.worker
    }

    fn slots(&self) -> u32 {
        self.slots
    }

    fn ahead_max(&self) -> u32 {
        if self.slots == 1 { 8 } else { 0 }
    }

    async fn call(&self, call: &Call) -> CallEnd {
        self.open.fetch_add(1, Ordering::Relaxed);
        let ended = |outcome| CallEnd::new(broken(outcome), Vec::new(), Duration::ZERO);
        let timeout = tokio::time::sleep_until(Instant::now() + call.timeout.unwrap_or(10 * LONG));
        let end = tokio::select! {
            biased;
            () = self.until(|| self.ending.lock().contains(&call.invocation)) => {
                let logs = self.stage.so_far.lock().remove(&call.invocation).unwrap_or_default();
                CallEnd::new(broken(AttemptOutcome::Cancelled), logs, Duration::ZERO)
            }
            () = self.until(|| self.gone.load(Ordering::Relaxed)) => ended(AttemptOutcome::Interrupted),
            end = self.answer(call) => end,
            () = timeout => ended(AttemptOutcome::TimedOut),
        };
        let is_lost = |outcome: &AttemptOutcome| *outcome != AttemptOutcome::BadResponse;
        if matches!(&end.outcome, CallOutcome::Broken { outcome, .. } if is_lost(outcome)) {
            self.die();
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.changed.notify_waiters();
        end
    }

    fn is_alive(&self) -> bool {
        !self.gone.load(Ordering::Relaxed)
    }

    async fn gone(&self) {
        self.until(|| self.gone.load(Ordering::Relaxed)).await;
    }

    async fn stop(&self, grace: Duration) {
        let _ = tokio::time::timeout(grace, self.until(|| self.open.load(Ordering::Relaxed) == 0)).await;
        self.die();
    }

    fn place(&self) -> Place {
        Place { driver: "fake".into(), image: String::new(), instance: format!("at {}", self.launch.worker) }
    }

    async fn logs_so_far(&self, invocation: InvocationId) -> Option<Vec<LogLine>> {
        self.stage.so_far.lock().get(&invocation).cloned()
    }

    async fn cancel(&self, invocation: InvocationId) {
        self.stage.cancelled.lock().push(invocation);
        let takes = *self.stage.cancelling.lock();
        tokio::time::sleep(takes).await;
        self.ending.lock().push(invocation);
        self.changed.notify_waiters();
    }
}
