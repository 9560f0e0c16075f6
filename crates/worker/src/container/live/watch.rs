//! The task that owns a container.
//!
//! It is told what to do by [`Order`]s and tells what happens by two channels, which are those of [`crate::linked::Remote`].
//! It waits for nobody for long: an engine that does not answer is asked again, and a container that does not end although
//! it was killed is reported as ended, and left to the reaper.

use std::{
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::ExitStatus,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::BoxStream};
use tidemill_core::{Timestamp, invocation::AttemptOutcome};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    container::{
        driver::Shared,
        engine::{ContainerEngine, ContainerId, ContainerStatus, EngineError, LogChunk, LogSource},
        roster::Held,
    },
    linked::{Ended, Leash, Output},
    process::how_it_ended,
    words::memory_reason,
};

/// How long a container that was killed has to be gone.
const KILL_TIME: Duration = Duration::from_secs(30);
/// How long a container that was asked to end has to do so.
const TERM_GRACE: Duration = Duration::from_secs(3);
/// Between two tries to reach an engine.
const RETRY: Duration = Duration::from_millis(500);
/// Between two looks at a process while the engine is away.
const LOOK: Duration = Duration::from_millis(50);
/// How long the last lines of an ended container are waited for.
const LAST_LINES: Duration = Duration::from_millis(500);
/// Pieces of output that may wait to be taken.
const PIECES_MAX: usize = 256;

/// What is asked of the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Kill,
    Terminate,
}

/// Ends a container, from anywhere.
#[derive(Clone, Debug)]
pub(super) struct Rein {
    orders: mpsc::UnboundedSender<Order>,
}

impl Leash for Rein {
    fn kill(&self) {
        // A task that is gone has seen the container end.
        let _ = self.orders.send(Order::Kill);
    }

    fn terminate(&self) {
        let _ = self.orders.send(Order::Terminate);
    }

    fn leaving_grace(&self) -> Duration {
        // An engine takes its time to tell that a container has ended.
        Duration::from_secs(5)
    }
}

/// A container that was started, for whoever talks to it.
pub(super) struct Watched {
    pub rein: Rein,
    pub printed: mpsc::Receiver<(Output, Bytes)>,
    pub ended: oneshot::Receiver<Ended>,
}

/// See the module.
pub(super) struct Watch {
    pub shared: Arc<Shared>,
    pub id: ContainerId,
    pub held: Held,
    /// Its process, seen from outside, to tell while the engine is away whether it lives.
    pub pid: Option<u32>,
    /// Cancelled when the node stops.
    pub stop: CancellationToken,
    pub memory_bytes: Option<u64>,
    /// What must be there as long as the container is: its folder.
    pub kept: Box<dyn Send + Sync>,
}

impl Watch {
    /// Begins to watch.
    pub fn begin(self) -> Watched {
        let (orders, asked) = mpsc::unbounded_channel();
        let (pieces, printed) = mpsc::channel(PIECES_MAX);
        let (end, ended) = oneshot::channel();
        let tasks = self.shared.tasks.clone();
        tasks.spawn(self.run(asked, pieces, end));
        Watched { rein: Rein { orders }, printed, ended }
    }

    async fn run(
        self,
        mut orders: mpsc::UnboundedReceiver<Order>,
        pieces: mpsc::Sender<(Output, Bytes)>,
        mut end: oneshot::Sender<Ended>,
    ) {
        let mut lines = Lines::new(self.shared.engine.clone(), self.id.clone());
        let mut wait = first_wait(self.shared.engine.clone(), self.id.clone());
        let mut state = State { has_orders: true, ..State::default() };
        let told = loop {
            tokio::select! {
                answer = &mut wait => match answer {
                    Err(error) if error.is_outage() => {
                        state.had_outage = true;
                        wait = further_wait(self.shared.engine.clone(), self.id.clone());
                    }
                    answer => break self.told(answer, &state).await,
                },
                chunk = lines.next() => send(&pieces, chunk).await,
                order = orders.recv(), if state.has_orders => match order {
                    Some(order) => self.obey(order, &mut state),
                    // Nobody can end it any more.
                    None => {
                        state.has_orders = false;
                        self.obey(Order::Kill, &mut state);
                    }
                },
                () = end.closed(), if !state.is_given_up => {
                    state.is_given_up = true;
                    self.obey(Order::Kill, &mut state);
                }
                () = self.stop.cancelled(), if !state.is_stopped => {
                    state.is_stopped = true;
                    self.obey(Order::Kill, &mut state);
                }
                () = process_gone(self.pid), if state.had_outage && self.pid.is_some() => break interrupted(),
                () = sleep_until(state.force_at), if state.force_at.is_some() => {
                    break Ended { words: "could not be ended".to_owned(), is_success: false, cause: None };
                }
                Some(_) = state.deeds.join_next() => {}
            }
        };
        lines.last(&pieces).await;
        drop(pieces);
        // Nobody may be interested.
        let _ = end.send(told);
        self.shared.remove(&self.id, self.held).await;
        drop(self.kept);
    }

    fn obey(&self, order: Order, state: &mut State) {
        let (engine, id) = (self.shared.engine.clone(), self.id.clone());
        match order {
            Order::Kill if state.force_at.is_some() => {}
            Order::Kill => {
                state.force_at = Some(Instant::now() + KILL_TIME);
                state.deeds.spawn(async move {
                    while engine.kill(&id).await.is_err_and(|error| error.is_outage()) {
                        tokio::time::sleep(RETRY).await;
                    }
                });
            }
            Order::Terminate => {
                // Whoever asks is patient only for a while, and kills then.
                state.deeds.spawn(async move { drop(engine.stop(&id, TERM_GRACE).await) });
            }
        }
    }

    /// How the container ended, as far as the engine knows.
    async fn told(&self, answer: Result<i64, EngineError>, state: &State) -> Ended {
        let code = match answer {
            Ok(code) => code,
            Err(EngineError::Gone) => {
                return Ended { words: "was removed from outside".to_owned(), is_success: false, cause: None };
            }
            Err(error) => return Ended { words: format!("was lost: {error}"), is_success: false, cause: None },
        };
        let is_oom = self.shared.engine.inspect(&self.id).await.is_ok_and(|facts| facts.is_oom_killed);
        let cause = if is_oom {
            Some((AttemptOutcome::OutOfMemory, memory_reason(self.memory_bytes.unwrap_or(0))))
        } else if state.is_stopped {
            Some((AttemptOutcome::Interrupted, "the node stopped before the call had ended".to_owned()))
        } else if state.had_outage {
            interrupted().cause
        } else {
            None
        };
        Ended { words: words(code), is_success: code == 0, cause }
    }
}

#[derive(Default)]
struct State {
    had_outage: bool,
    has_orders: bool,
    is_given_up: bool,
    is_stopped: bool,
    /// When a container that was killed should have ended.
    force_at: Option<Instant>,
    /// Requests on their way.
    deeds: JoinSet<()>,
}

/// To follow "the worker", as in `exited with code 3`.
fn words(code: i64) -> String {
    let code = i32::try_from(code).unwrap_or(255);
    // As a shell does: a program that a signal has ended has 128 and the signal's number.
    let raw = if code > 128 { code - 128 } else { (code & 0xff) << 8 };
    how_it_ended(ExitStatus::from_raw(raw))
}

fn interrupted() -> Ended {
    let reason = "the container engine went away, and the container with it".to_owned();
    Ended {
        words: "ended with the container engine".to_owned(),
        is_success: false,
        cause: Some((AttemptOutcome::Interrupted, reason)),
    }
}

fn first_wait(engine: Arc<dyn ContainerEngine>, id: ContainerId) -> BoxFuture<'static, Result<i64, EngineError>> {
    async move { engine.wait(&id).await }.boxed()
}

/// Asks again after an outage, until the engine knows more.
fn further_wait(engine: Arc<dyn ContainerEngine>, id: ContainerId) -> BoxFuture<'static, Result<i64, EngineError>> {
    async move {
        loop {
            tokio::time::sleep(RETRY).await;
            match engine.inspect(&id).await {
                Ok(facts) if facts.status == ContainerStatus::Ended => return Ok(facts.exit_code),
                Ok(_) => match engine.wait(&id).await {
                    Err(error) if error.is_outage() => {}
                    answer => return answer,
                },
                Err(error) if error.is_outage() => {}
                Err(error) => return Err(error),
            }
        }
    }
    .boxed()
}

/// Comes back when the process is not there.
async fn process_gone(pid: Option<u32>) {
    let Some(pid) = pid else { return std::future::pending().await };
    let place = PathBuf::from(format!("/proc/{pid}"));
    while place.exists() {
        tokio::time::sleep(LOOK).await;
    }
}

async fn sleep_until(at: Option<Instant>) {
    tokio::time::sleep_until(at.unwrap_or_else(Instant::now).into()).await;
}

async fn send(pieces: &mpsc::Sender<(Output, Bytes)>, chunk: LogChunk) {
    let output = match chunk.source {
        LogSource::Out => Output::Out,
        LogSource::Err => Output::Err,
    };
    // Whoever took them may have left.
    let _ = pieces.send((output, chunk.bytes)).await;
}

/// What a container prints, across outages of the engine.
struct Lines {
    engine: Arc<dyn ContainerEngine>,
    id: ContainerId,
    stream: BoxStream<'static, Result<LogChunk, EngineError>>,
    /// The time of the last piece, and whether pieces up to it come again.
    last: Option<Timestamp>,
    is_again: bool,
}

impl Lines {
    fn new(engine: Arc<dyn ContainerEngine>, id: ContainerId) -> Lines {
        let stream = engine.logs(&id, None, true).fuse().boxed();
        Lines { engine, id, stream, last: None, is_again: false }
    }

    /// The next piece. Cancel-safe. Does not end.
    async fn next(&mut self) -> LogChunk {
        loop {
            match self.stream.next().await {
                Some(Ok(chunk)) if self.is_again && self.last.is_some_and(|last| chunk.time <= last) => {}
                Some(Ok(chunk)) => {
                    self.last = Some(chunk.time);
                    return chunk;
                }
                Some(Err(_)) | None => {
                    // It has ended, or the engine is away: the wait for its end tells which.
                    tokio::time::sleep(RETRY).await;
                    let since = self.last.and_then(|last| i32::try_from(last.micros() / 1_000_000).ok());
                    self.stream = self.engine.logs(&self.id, since, true).fuse().boxed();
                    self.is_again = true;
                }
            }
        }
    }

    /// Passes on what an ended container printed last.
    async fn last(mut self, pieces: &mpsc::Sender<(Output, Bytes)>) {
        let rest = async {
            while let Some(Ok(chunk)) = self.stream.next().await {
                if !(self.is_again && self.last.is_some_and(|last| chunk.time <= last)) {
                    send(pieces, chunk).await;
                }
            }
        };
        let _ = tokio::time::timeout(LAST_LINES, rest).await;
    }
}
