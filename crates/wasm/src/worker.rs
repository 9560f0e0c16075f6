//! A worker: the right to run instances of one program, several at once.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tidemill_core::{
    Event, FunctionRef, InvocationId, configs,
    event::CALL_DEPTH,
    invocation::{AttemptOutcome, LogLine, Reply, RunReport},
    ports::{Call, CallEnd, CallOutcome, Place, Worker, WorkerId},
    time::micros,
    words::human_duration,
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::sleep_until,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    budget::{Account, Budget},
    engine::Ticker,
    grants::Grants,
    guest::{Command, Pace, Part, Scene},
    kind::Kind,
    lane::Lane,
    program::Program,
    record::Record,
    run::{Facts, run},
    verdict::{Verdict, broken, judge, log_place},
};

const CONTENT_TYPE: &str = "text/plain; charset=utf-8";
/// How long a guest that was told to end has for it before its instance is taken away.
const END_GRACE: Duration = Duration::from_millis(50);

/// What all workers of a driver share.
pub(crate) struct Shared {
    pub ticker: Ticker,
    pub lane: Lane,
    /// One permit an instance.
    pub room: Arc<Semaphore>,
    pub memory: Arc<Budget>,
    pub shares: Shares,
}

/// What one function may have of the room, so that another one finds some whatever the first does.
pub(crate) struct Shares {
    /// Instances of one function.
    instances_max: usize,
    known: Mutex<HashMap<FunctionRef, Weak<Semaphore>>>,
}

impl Shares {
    /// Shares of room for so many instances.
    pub fn new(instances_max: usize) -> Shares {
        Shares { instances_max: instances_max.div_ceil(2), known: Mutex::default() }
    }

    /// The share of all workers of `function`.
    fn of(&self, function: &FunctionRef) -> Arc<Semaphore> {
        let mut known = self.known.lock();
        if let Some(share) = known.get(function).and_then(Weak::upgrade) {
            return share;
        }
        known.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(self.instances_max));
        known.insert(function.clone(), Arc::downgrade(&share));
        share
    }

    /// Sends away who waits.
    pub fn close(&self) {
        self.known.lock().values().filter_map(Weak::upgrade).for_each(|share| share.close());
    }
}

/// See the module.
pub(crate) struct WasmWorker {
    id: WorkerId,
    shared: Arc<Shared>,
    share: Arc<Semaphore>,
    program: Arc<Program>,
    scene: Arc<Scene>,
    grants: Grants,
    open: Mutex<HashMap<InvocationId, Arc<Cut>>>,
    calls: TaskTracker,
    gone: CancellationToken,
    /// The same for who only looks: a token is asked under a lock.
    is_gone: AtomicBool,
}

/// How a call is ended from outside.
#[derive(Default)]
struct Cut {
    /// What the call has logged so far, among others.
    record: Record,
    /// Tells the call, which alone listens.
    signal: Notify,
    verdict: Mutex<Option<(AttemptOutcome, String)>>,
}

impl Cut {
    fn because(&self, outcome: AttemptOutcome, reason: &str) {
        self.verdict.lock().get_or_insert((outcome, reason.to_owned()));
        self.signal.notify_one();
    }

    fn verdict(&self) -> (AttemptOutcome, String) {
        let said = self.verdict.lock().take();
        said.unwrap_or_else(|| (AttemptOutcome::Interrupted, "it was interrupted".to_owned()))
    }
}

/// Forgets an open call, also when its caller has left.
struct Close<'a>(&'a WasmWorker, InvocationId);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        self.0.open.lock().remove(&self.1);
    }
}

impl WasmWorker {
    /// A worker that runs `program` as `scene` and `grants` say.
    pub fn new(id: WorkerId, shared: Arc<Shared>, program: Arc<Program>, scene: Scene, grants: Grants) -> WasmWorker {
        WasmWorker {
            id,
            share: shared.shares.of(&scene.function),
            shared,
            program,
            scene: Arc::new(scene),
            grants,
            open: Mutex::default(),
            calls: TaskTracker::new(),
            gone: CancellationToken::new(),
            is_gone: AtomicBool::new(false),
        }
    }

    /// Makes and prepares one instance until the end of `timeout`, to see that it can be done. The record has what it logged.
    pub async fn try_out(&self, record: &Record, until: Instant, timeout: Duration) -> Result<(), CallOutcome> {
        let pace = Pace::default();
        let part = Part { record: record.clone(), pace: pace.clone(), ..Part::default() };
        let cut = Cut::default();
        let bounds = Bounds { deadline: Some((until, timeout, "readiness")), cut: &cut };
        let tried = match self.enter(&cut, Some(until)).await {
            Ok(entry) => self.attend(entry, part, None, &pace, &bounds, record).await,
            Err(verdict) => Err(verdict),
        };
        tried.map(|_| ()).map_err(|verdict| verdict.outcome)
    }

    fn part(&self, call: &Call, event: &Arc<Event>, facts: &Facts, record: &Record, pace: &Pace) -> Part {
        let depth = event.header(CALL_DEPTH).and_then(|depth| depth.parse().ok()).unwrap_or(0);
        let part = Part { depth, ..Part::of(call, record, pace) };
        if !matches!(self.program.kind, Kind::Command | Kind::CommandComponent) {
            return part;
        }
        let name = self.scene.function.name.as_str().to_owned();
        let arguments = [name].into_iter().chain(self.grants.command.arguments_for(event)).collect();
        Part { command: Some(Command { event: event.clone(), facts: facts.clone(), arguments }), ..part }
    }

    /// Runs one instance within its bounds.
    async fn attend(
        &self,
        Entry { permits, account, .. }: Entry,
        part: Part,
        event: Option<(Arc<Event>, Facts)>,
        pace: &Pace,
        bounds: &Bounds<'_>,
        record: &Record,
    ) -> Result<Reply, Verdict> {
        let store = match self.scene.store(part, account) {
            Ok(store) => store,
            Err(error) => return Err(broken(AttemptOutcome::Crashed, crate::cache::one_line(&error))),
        };
        let (program, running) = (self.program.clone(), self.shared.ticker.run());
        let run = Box::pin(async move {
            // They are the instance's: a call that is given up may leave before it.
            let _held = (permits, running);
            run(program, store, event).await
        });
        let mut running = std::pin::pin!(self.shared.lane.attend(run, pace));
        // Most end at once: they cost no timer.
        let (ended, verdict) = match poll_fn(|context| Poll::Ready(running.as_mut().poll(context))).await {
            Poll::Ready(ended) => (ended, None),
            Poll::Pending => bounds.hold(running, pace).await,
        };
        if let Some(ended) = &ended {
            record.note_memory(ended.memory_bytes_peak);
        }
        match (verdict, ended) {
            (Some((outcome, reason)), ended) => {
                if let Some(ended) = ended {
                    log_place(&ended, record, &reason);
                }
                record.flush();
                Err(broken(outcome, reason))
            }
            (None, None) => Err(broken(AttemptOutcome::Crashed, "the instance broke down".to_owned())),
            (None, Some(ended)) => judge(ended, record),
        }
    }

    /// Room for one instance, and the memory that it begins with. Whoever waits for it can be cut off, and waits no longer than
    /// `until`.
    async fn enter(&self, cut: &Cut, until: Option<Instant>) -> Result<Entry, Verdict> {
        let bytes = self.program.memory_bytes_min.min(self.scene.memory_bytes_max);
        if let Ok(share) = self.share.clone().try_acquire_owned()
            && let Ok(room) = self.shared.room.clone().try_acquire_owned()
            && let Some(account) = self.shared.memory.try_open(bytes)
        {
            return Ok(Entry { permits: [room, share], account, waited: Duration::ZERO });
        }
        // In a box: few calls wait.
        Box::pin(self.wait(bytes, cut, until)).await
    }

    async fn wait(&self, bytes: u64, cut: &Cut, until: Option<Instant>) -> Result<Entry, Verdict> {
        let began = Instant::now();
        let entering = async {
            let share = self.share.clone().acquire_owned().await.ok()?;
            let room = self.shared.room.clone().acquire_owned().await.ok()?;
            Some(([room, share], self.shared.memory.open(bytes).await))
        };
        let interrupted = |reason: &str| Err(broken(AttemptOutcome::Interrupted, reason.to_owned()));
        tokio::select! {
            biased;
            () = cut.signal.notified() => {
                let (outcome, reason) = cut.verdict();
                Err(broken(outcome, reason))
            }
            () = self.gone.cancelled() => interrupted("the worker was stopped before the call had begun"),
            () = sleep_until(until.unwrap_or_else(Instant::now).into()), if until.is_some() => interrupted(
                "no instance became free in time: the server runs as many as it may, or as its memory for them allows",
            ),
            entered = entering => match entered {
                Some((permits, account)) => Ok(Entry { permits, account, waited: began.elapsed() }),
                None => interrupted("the server stopped before the call had begun"),
            },
        }
    }

    /// A command's reply with what its settings add.
    fn dressed(&self, mut reply: Reply) -> Reply {
        match self.program.kind {
            Kind::Command | Kind::CommandComponent => {
                CONTENT_TYPE.clone_into(&mut reply.content_type);
                for (name, value) in &self.grants.command.response_headers {
                    if name.eq_ignore_ascii_case("content-type") {
                        reply.content_type.clone_from(value);
                    } else {
                        reply.headers.push((name.clone(), value.clone()));
                    }
                }
            }
            Kind::Function if reply.content_type.is_empty() => "text/plain".clone_into(&mut reply.content_type),
            Kind::Function | Kind::Http => {}
        }
        reply
    }
}

/// The right to run one instance.
struct Entry {
    permits: [OwnedSemaphorePermit; 2],
    account: Account,
    /// How long it was waited for.
    waited: Duration,
}

/// What ends a run early.
struct Bounds<'a> {
    /// When, after how long, and what that time is called.
    deadline: Option<(Instant, Duration, &'static str)>,
    cut: &'a Cut,
}

impl Bounds<'_> {
    /// Waits for the end of a run, and sees to it that it comes. Says why it was ended, if it was.
    async fn hold<T>(
        &self,
        mut running: Pin<&mut impl Future<Output = Option<T>>>,
        pace: &Pace,
    ) -> (Option<T>, Option<(AttemptOutcome, String)>) {
        let mut verdict = None;
        let mut until = self.deadline.map(|(deadline, ..)| deadline);
        loop {
            let reason = tokio::select! {
                biased;
                ended = &mut running => return (ended, verdict),
                () = self.cut.signal.notified(), if verdict.is_none() => self.cut.verdict(),
                () = sleep_until(until.unwrap_or_else(Instant::now).into()), if until.is_some() => match verdict {
                    Some(_) => return (None, verdict),
                    None => self.timed_out(),
                },
            };
            verdict = Some(reason);
            pace.end();
            until = Some(Instant::now() + END_GRACE);
        }
    }

    fn put_off(&mut self, by: Duration) {
        if let Some((deadline, ..)) = &mut self.deadline {
            *deadline = deadline.checked_add(by).unwrap_or(*deadline);
        }
    }

    fn timed_out(&self) -> (AttemptOutcome, String) {
        let (_, limit, name) = self.deadline.unwrap_or((Instant::now(), Duration::ZERO, "event"));
        (AttemptOutcome::TimedOut, format!("ran longer than its {name} timeout of {}", human_duration(limit)))
    }
}

#[async_trait]
impl Worker for WasmWorker {
    fn id(&self) -> &WorkerId {
        &self.id
    }

    fn slots(&self) -> u32 {
        self.grants.slots
    }

    async fn call(&self, call: &Call) -> CallEnd {
        let _token = self.calls.token();
        if !self.is_alive() {
            let reason = "the worker was ending when the call reached it".to_owned();
            let outcome = CallOutcome::Broken { outcome: AttemptOutcome::Interrupted, reason };
            return CallEnd::new(outcome, Vec::new(), Duration::ZERO);
        }
        if let Err(reason) = configs::check(&call.configs) {
            let outcome = CallOutcome::Broken { outcome: AttemptOutcome::LaunchFailed, reason };
            return CallEnd::new(outcome, Vec::new(), Duration::ZERO);
        }
        let started = Instant::now();
        let record = Record::new(call.state.clone());
        let cut = Arc::new(Cut { record: record.clone(), ..Cut::default() });
        self.open.lock().insert(call.invocation, cut.clone());
        let _close = Close(self, call.invocation);
        let deadline = call.timeout.and_then(|limit| Some((started.checked_add(limit)?, limit, "event")));
        let room_until = call.room_wait.and_then(|wait| started.checked_add(wait));
        let (mut bounds, mut waited) = (Bounds { deadline, cut: &cut }, Duration::ZERO);
        let mut report = RunReport::default();
        let mut replies = Vec::with_capacity(call.events.len());
        let mut end = None;
        for event in &call.events {
            let pace = Pace::default();
            let key = Some(call.key_of(event)).filter(|key| !key.is_empty()).map(str::to_owned);
            let facts = Facts { key, attempt: call.attempt };
            let part = self.part(call, event, &facts, &record, &pace);
            let run = match self.enter(&cut, room_until).await {
                Ok(entry) => {
                    // The time of an event does not pass while it waits.
                    waited += entry.waited;
                    bounds.put_off(entry.waited);
                    self.attend(entry, part, Some((event.clone(), facts)), &pace, &bounds, &record).await
                }
                Err(verdict) => Err(verdict),
            };
            match run {
                Ok(reply) => replies.push(self.dressed(reply)),
                Err(verdict) => {
                    report.exit_code = verdict.exit_code;
                    end = Some(verdict.outcome);
                    break;
                }
            }
        }
        let user_code = started.elapsed().saturating_sub(waited);
        report.run_us = micros(user_code);
        report.memory_bytes_max = record.memory_bytes_peak();
        let outcome = record.outcome();
        let succeeded = end.is_none();
        CallEnd {
            state: outcome.state.filter(|_| succeeded),
            sends: if succeeded { outcome.sends } else { Vec::new() },
            report: Some(report),
            ..CallEnd::new(end.unwrap_or(CallOutcome::Replied(replies)), record.lines(), user_code)
        }
    }

    async fn logs_so_far(&self, invocation: InvocationId) -> Option<Vec<LogLine>> {
        let open = self.open.lock();
        open.get(&invocation).map(|open| open.record.lines())
    }

    fn is_alive(&self) -> bool {
        !self.is_gone.load(Ordering::Acquire)
    }

    fn place(&self) -> Place {
        Place { driver: "wasm".to_owned(), ..Place::default() }
    }

    async fn gone(&self) {
        self.gone.cancelled().await;
    }

    async fn stop(&self, grace: Duration) {
        self.is_gone.store(true, Ordering::Release);
        self.gone.cancel();
        self.calls.close();
        if tokio::time::timeout(grace, self.calls.wait()).await.is_err() {
            for cut in self.open.lock().values() {
                cut.because(AttemptOutcome::Interrupted, "the worker was stopped before the call had ended");
            }
            self.calls.wait().await;
        }
    }

    async fn cancel(&self, invocation: InvocationId) {
        if let Some(cut) = self.open.lock().get(&invocation) {
            cut.because(AttemptOutcome::Cancelled, "it was cancelled");
        }
    }
}
