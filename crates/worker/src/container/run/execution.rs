//! One execution: a container from its making to its end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tidemill_core::{
    invocation::{AttemptOutcome, LogLevel, Reply, RunReport},
    ports::{CallOutcome, Message},
    spec::Completion,
    time::micros,
};
use tokio_util::sync::CancellationToken;

use super::{
    begin::{Begun, Order},
    feed::Feed,
    logs, outcome,
    outcome::{Cut, Ended},
    results::Results,
    usage,
    watch::{Bounds, Watched, look_at_engine, watch},
};
use crate::{
    container::engine::{ContainerEngine, ContainerFacts, ContainerId, EngineError, Usage},
    exchange::{Exchange, Exchanged},
    logs::{LogBuffer, now},
};

/// How long what goes on beside a container may take after its end.
const REST_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a container may take to begin when its worker ends meanwhile.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(10);

/// What those share who look after a container.
pub(super) struct Running<'a> {
    pub engine: &'a dyn ContainerEngine,
    pub id: &'a ContainerId,
    /// Cancelled when the container has ended.
    pub ended: CancellationToken,
    /// Whether the engine was not there for a while, and so may have ended its containers.
    pub had_restart: AtomicBool,
    /// How long it may be.
    pub away_max: Duration,
    /// How long the container may take to end, beyond its own grace.
    pub end_max: Duration,
    /// How long the engine is looked at when it may have ended the container.
    pub look_time: Duration,
    pub logs: Arc<Mutex<LogBuffer>>,
    pub usage: Mutex<Usage>,
}

/// What is left of an execution.
pub(super) struct Executed {
    pub outcome: CallOutcome,
    pub state: Option<Bytes>,
    pub sends: Vec<Message>,
    pub results: Vec<Bytes>,
    pub report: Option<RunReport>,
    /// See [`tidemill_core::ports::CallEnd`].
    pub reason: String,
    pub run_time: Duration,
    /// Whether the worker is of no more use: its engine is away.
    pub is_lost: bool,
}

impl Running<'_> {
    /// Notes what the engine did not answer for. One that hangs does not end its containers.
    pub fn note(&self, error: &EngineError) {
        if let EngineError::Unreachable { .. } = error {
            self.had_restart.store(true, Ordering::Relaxed);
        }
    }
}

impl Executed {
    fn failed(outcome: CallOutcome, is_lost: bool) -> Executed {
        Executed {
            outcome,
            state: None,
            sends: Vec::new(),
            results: Vec::new(),
            report: None,
            reason: String::new(),
            run_time: Duration::ZERO,
            is_lost,
        }
    }
}

/// Who wants what of an execution.
pub(super) struct Wishes<'a> {
    pub timeout: Option<Duration>,
    pub cut: &'a CancellationToken,
    pub verdict: &'a (dyn Fn() -> Cut + Send + Sync),
    pub logs: &'a Arc<Mutex<LogBuffer>>,
    /// Told which container it is.
    pub begun: &'a (dyn Fn(&ContainerId) + Send + Sync),
}

/// Runs the event of `order` in a container of its own.
pub(super) async fn execute(order: &Order<'_>, wishes: &Wishes<'_>) -> Executed {
    let begun = match begin(order, wishes).await {
        Some(begun) => begun,
        None => return Executed::failed(before_it_ran((wishes.verdict)()), false),
    };
    let mut begun = match begun {
        Ok(begun) => begun,
        Err(outcome) => {
            let is_lost = matches!(outcome, CallOutcome::Broken { outcome: AttemptOutcome::Interrupted, .. });
            return Executed::failed(outcome, is_lost);
        }
    };
    (wishes.begun)(&begun.id);
    let started = Instant::now();
    let id = begun.id.clone();
    let running = Running {
        engine: &*order.shared.engine,
        id: &id,
        ended: CancellationToken::new(),
        had_restart: AtomicBool::new(false),
        away_max: order.shared.away_max,
        end_max: order.shared.end_max,
        look_time: order.shared.look_time,
        logs: wishes.logs.clone(),
        usage: Mutex::default(),
    };
    let deadline = wishes.timeout.and_then(|timeout| started.checked_add(timeout));
    let bounds = Bounds { deadline, cut: wishes.cut, verdict: wishes.verdict };
    let watched = attend(&running, &bounds, &mut begun).await;
    conclude(order, &running, begun, watched, started.elapsed()).await
}

/// Makes the container or finds it; `None` when the call is cut before. What may be there then is nobody's, and goes.
async fn begin(order: &Order<'_>, wishes: &Wishes<'_>) -> Option<Result<Begun, CallOutcome>> {
    let mut begin = std::pin::pin!(order.begin());
    tokio::select! {
        biased;
        () = wishes.cut.cancelled() => match (wishes.verdict)() {
            // It may be running already, and is to be adopted then.
            Cut::Left(_) => tokio::time::timeout(LEAVE_TIMEOUT, begin).await.ok(),
            Cut::Stopped(_) | Cut::Cancelled | Cut::TimedOut => None,
        },
        begun = &mut begin => Some(begun),
    }
}

fn before_it_ran(cut: Cut) -> CallOutcome {
    let (outcome, reason) = match cut {
        Cut::Cancelled => (AttemptOutcome::Cancelled, "it was cancelled before its container ran".to_owned()),
        Cut::Left(reason) | Cut::Stopped(reason) => (AttemptOutcome::Interrupted, reason),
        Cut::TimedOut => (AttemptOutcome::TimedOut, "its container did not start in time".to_owned()),
    };
    CallOutcome::Broken { outcome, reason }
}

/// Waits for the end with all that goes on beside it.
async fn attend(running: &Running<'_>, bounds: &Bounds<'_>, begun: &mut Begun) -> Watched {
    let feed = begun.feed.take();
    let (folder, socket) = (&begun.folder, begun.socket.take());
    let rest = async {
        let results = async {
            if let Some(socket) = &socket {
                Results::take(&begun.results, socket, &running.ended, &running.logs).await;
            }
        };
        let feed = async {
            if let Some(feed) = feed {
                Feed::run(feed, folder, &running.ended).await;
            }
        };
        tokio::join!(logs::follow(running), results, feed, usage::sample(running));
    };
    let mut rest = std::pin::pin!(rest);
    let watched = {
        let mut watch = std::pin::pin!(watch(running, bounds));
        tokio::select! {
            watched = &mut watch => watched,
            // They wait for the end themselves, so this is not the way it goes.
            () = &mut rest => watch.await,
        }
    };
    if let Watched::Ended(..) | Watched::Gone(_) = watched
        && !running.ended.is_cancelled()
    {
        running.ended.cancel();
        // What is not read by then is left out.
        let _ = tokio::time::timeout(REST_TIMEOUT, rest).await;
    }
    watched
}

/// Makes the end of the call of the end of the container.
async fn conclude(
    order: &Order<'_>,
    running: &Running<'_>,
    begun: Begun,
    watched: Watched,
    took: Duration,
) -> Executed {
    let had_restart = running.had_restart.load(Ordering::Relaxed);
    match watched {
        Watched::Ended(facts, cut) => ended(order, running, begun, &facts, cut, took).await,
        Watched::Gone(cut) => {
            let results = begun.results.into_list().await;
            let reply = || reply(&results, &running.logs.lock());
            let (outcome, reason) = gone(cut, had_restart, order.launch.spec.completion, reply);
            begun.folder.forget().await;
            begun.held.done();
            let report = Some(report(running, None, took));
            Executed { results, report, reason, run_time: took, ..Executed::failed(outcome, false) }
        }
        Watched::Lost(error, cut) => {
            let outcome = lost(&error, cut.as_ref());
            if cut.is_none() {
                leave(order, begun).await;
            } else {
                // Its end counts as told, so nobody adopts it. It must go before the invocation begins again.
                begun.folder.forget().await;
            }
            Executed { run_time: took, ..Executed::failed(outcome, true) }
        }
        Watched::Left(cut) => {
            let reason = match cut {
                Cut::Left(reason) => reason,
                Cut::TimedOut | Cut::Cancelled | Cut::Stopped(_) => "it was interrupted".to_owned(),
            };
            leave(order, begun).await;
            let outcome = CallOutcome::Broken { outcome: AttemptOutcome::Interrupted, reason };
            Executed { run_time: took, ..Executed::failed(outcome, false) }
        }
    }
}

/// Lets the container go on and wait for the next call of the invocation.
async fn leave(order: &Order<'_>, begun: Begun) {
    let Begun { id, held, folder, results, .. } = begun;
    results.into_list().await;
    // Without an invocation of its own, or with half a message, it is of no use to anybody, and goes.
    if order.call.events.len() == 1 && folder.is_whole() {
        held.leave(id);
    }
}

async fn ended(
    order: &Order<'_>,
    running: &Running<'_>,
    begun: Begun,
    facts: &ContainerFacts,
    cut: Option<Cut>,
    took: Duration,
) -> Executed {
    let Begun { id, mut held, folder, results, has_ended_unseen, .. } = begun;
    held.has_ended();
    let results = results.into_list().await;
    if cut.is_none() && !has_ended_unseen && outcome::may_be_the_engines(facts) {
        look_at_engine(running).await;
    }
    let ended = Ended {
        facts,
        cut: cut.as_ref(),
        had_restart: running.had_restart.load(Ordering::Relaxed),
        has_ended_unseen,
        completion: order.launch.spec.completion,
        event_timeout: order.call.timeout,
        memory_bytes: order.launch.spec.resources.memory_bytes.or(order.shared.config.memory_bytes_default),
    };
    let (mut outcome, reason) = outcome::outcome(&ended, || reply(&results, &running.logs.lock()));
    let mut left = Exchanged::default();
    // What a program that failed has written is half of something.
    if matches!(outcome, CallOutcome::Replied(_)) && facts.exit_code == 0 && cut.is_none() {
        match collect(folder.reopen(order.call.state.as_ref())).await {
            Ok(exchanged) => left = exchanged,
            Err(reason) => {
                running.logs.lock().push_last(now(), LogLevel::Error, &reason);
                outcome = CallOutcome::Broken { outcome: AttemptOutcome::BadResponse, reason };
            }
        }
    }
    if let CallOutcome::Replied(_) = outcome {
        order.shared.retire_later(id, held);
    } else {
        // Before anybody is told: the next attempt begins anew.
        folder.forget().await;
        order.shared.retire(id, held);
    }
    let run_time = facts.run_time.unwrap_or(took);
    let report = Some(report(running, Some(facts), run_time));
    let Exchanged { state, sends } = left;
    // The next worker begins with a look at the engine.
    let is_lost = matches!(outcome, CallOutcome::Broken { outcome: AttemptOutcome::Interrupted, .. });
    Executed { outcome, state, sends, results, report, reason, run_time, is_lost }
}

/// Reads what the program left, and leaves the folder to whoever removes it with its container.
async fn collect(exchange: Exchange) -> Result<Exchanged, String> {
    let collected = tokio::task::spawn_blocking(move || {
        let collected = exchange.collect();
        exchange.keep();
        collected
    });
    collected.await.unwrap_or_else(|error| Err(format!("its files were not read: {error}")))
}

fn report(running: &Running<'_>, facts: Option<&ContainerFacts>, run_time: Duration) -> RunReport {
    let usage = *running.usage.lock();
    RunReport {
        exit_code: facts.map(|facts| facts.exit_code),
        cpu_ns: usage.cpu_ns,
        io_bytes: usage.io_bytes,
        memory_bytes_max: usage.memory_bytes,
        run_us: micros(run_time),
        final_state: facts.map(|facts| facts.state.clone()).unwrap_or_default(),
    }
}

/// The first result, or what was printed.
fn reply(results: &[Bytes], logs: &LogBuffer) -> Reply {
    let (content_type, body) = match results.first() {
        Some(result) => ("application/octet-stream", result.clone()),
        None => ("text/plain; charset=utf-8", logs.text().into()),
    };
    Reply { status: 200, content_type: content_type.to_owned(), headers: Vec::new(), body }
}

fn gone(
    cut: Option<Cut>,
    had_restart: bool,
    completion: Completion,
    reply: impl FnOnce() -> Reply,
) -> (CallOutcome, String) {
    let broken = |outcome, reason: &str| (CallOutcome::Broken { outcome, reason: reason.to_owned() }, String::new());
    let forced = |outcome, reason: &str| match completion {
        Completion::Run => (CallOutcome::Replied(vec![reply()]), reason.to_owned()),
        Completion::Success => broken(outcome, reason),
    };
    match cut {
        Some(Cut::Cancelled) => broken(AttemptOutcome::Cancelled, "it was cancelled"),
        Some(Cut::Left(reason) | Cut::Stopped(reason)) => broken(AttemptOutcome::Interrupted, &reason),
        None if had_restart => broken(
            AttemptOutcome::Interrupted,
            "the container engine restarted and does not have the container any more",
        ),
        Some(Cut::TimedOut) => forced(AttemptOutcome::TimedOut, "ran longer than its event timeout"),
        None => forced(AttemptOutcome::Crashed, "somebody removed the container while it ran"),
    }
}

fn lost(error: &EngineError, cut: Option<&Cut>) -> CallOutcome {
    let (outcome, reason) = match cut {
        Some(Cut::Cancelled) => (AttemptOutcome::Cancelled, format!("it was cancelled, and {error}")),
        Some(Cut::TimedOut) => (AttemptOutcome::TimedOut, format!("ran longer than its event timeout, and {error}")),
        Some(Cut::Left(reason) | Cut::Stopped(reason)) => (AttemptOutcome::Interrupted, reason.clone()),
        None => (AttemptOutcome::Interrupted, error.to_string()),
    };
    CallOutcome::Broken { outcome, reason }
}
