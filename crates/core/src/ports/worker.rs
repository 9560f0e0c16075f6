//! Workers and the drivers that start them.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Environment, Progress};
use crate::{
    event::Event,
    id::{InvocationId, RevisionNumber},
    invocation::{AttemptOutcome, LogLine, Reply, RunReport},
    name::{FunctionName, FunctionRef},
    spec::FunctionSpec,
};

/// Identifies a worker within a node's life, as in `w-17`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub Arc<str>);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All that a driver must know to start a worker.
#[derive(Clone)]
pub struct Launch {
    /// The worker's id.
    pub worker: WorkerId,
    /// The function.
    pub function: FunctionRef,
    /// The revision.
    pub revision: RevisionNumber,
    /// Its settings.
    pub spec: Arc<FunctionSpec>,
    /// The unpacked package.
    pub directory: PathBuf,
    /// What was built for it.
    pub environment: Environment,
    /// Answers what user code asks while it runs.
    pub host: Arc<dyn Host>,
}

/// Why a worker did not become ready. One or more lines for the author of the function.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct LaunchError {
    /// What went wrong, with the traceback of the function when it has one.
    pub reason: String,
    /// What the worker printed before it gave up.
    pub logs: Vec<LogLine>,
}

impl LaunchError {
    /// What went wrong, in one line.
    pub fn line(&self) -> &str {
        self.reason.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it gave no reason")
    }

    /// What follows that line: the traceback, when there is one.
    pub fn traceback(&self) -> Option<&str> {
        let (_, rest) = self.reason.trim().split_once('\n')?;
        Some(rest.trim_end()).filter(|rest| !rest.is_empty())
    }

    /// The same without what it says twice: the first line when the traceback has it too, and printed lines that the
    /// reason has.
    pub fn said_once(self) -> LaunchError {
        let LaunchError { reason, mut logs } = self;
        let first = reason.lines().next().unwrap_or_default().trim();
        logs.retain(|log| {
            let message = log.message.trim();
            message.is_empty() || !(first.ends_with(message) || reason.lines().any(|line| line.trim() == message))
        });
        let rest = reason.trim().split_once('\n').map(|(_, rest)| rest);
        let reason = match rest.filter(|rest| rest.lines().any(|line| line.trim() == first)) {
            Some(rest) => rest.to_owned(),
            None => reason,
        };
        LaunchError { reason, logs }
    }
}

/// A call of another function by running user code (`context.platform.call_function`).
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// The caller's own function; the called one is of the same project.
    pub caller: FunctionRef,
    /// The called function.
    pub function: FunctionName,
    /// Method, path, headers, content type and body are used.
    pub event: Event,
}

/// Answers what user code asks while it runs.
#[async_trait]
pub trait Host: Send + Sync {
    /// Calls a function and waits for its response. The error is one line.
    async fn call_function(&self, request: CallRequest) -> Result<Reply, String>;
}

/// One attempt handed to a worker.
#[derive(Clone)]
pub struct Call {
    /// The invocation (the first one of a batch).
    pub invocation: InvocationId,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The event; several for a batch. Shared, so that a driver can keep one as long as it runs.
    pub events: Vec<Arc<Event>>,
    /// Whether the handler gets a list even when it is of one event.
    pub is_batch: bool,
    /// How long it may run.
    pub timeout: Option<Duration>,
    /// How long it may wait, beside that, for room that its driver shares among all workers; `None` for work of a queue, which
    /// waits until it is cut off.
    pub room_wait: Option<Duration>,
    /// The line it stands in; see [`FunctionSpec::line`].
    pub key: Option<String>,
    /// The state it begins with, as JSON, for a function that has state; empty when none was stored yet.
    pub state: Option<Bytes>,
    /// The configs that apply to the function, decrypted: name and value.
    pub configs: Arc<BTreeMap<String, String>>,
}

impl Call {
    /// A call of one event, with no limit, state or configs.
    pub fn single(invocation: InvocationId, attempt: u32, event: Event) -> Call {
        Call {
            invocation,
            attempt,
            events: vec![Arc::new(event)],
            is_batch: false,
            timeout: None,
            room_wait: None,
            key: None,
            state: None,
            configs: Arc::default(),
        }
    }

    /// The key that one of its events is told to have: the line it stands in, or else the key that it came with.
    pub fn key_of<'a>(&'a self, event: &'a Event) -> &'a str {
        let line = self.key.as_deref().filter(|key| !key.is_empty() && !self.is_batch);
        line.or_else(|| event.header("ce-partitionkey")).unwrap_or("")
    }
}

/// Without what only the user code may read: events, state and configs.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut call = f.debug_struct("Call");
        call.field("invocation", &self.invocation).field("attempt", &self.attempt).field("timeout", &self.timeout);
        call.field("events", &self.events.len()).field("key", &self.key).finish_non_exhaustive()
    }
}

/// A message that user code sent (`context.send`). It leaves when the execution is settled as succeeded, in that transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The function of the same project that gets it.
    pub function: String,
    /// The line it stands in there; `None` leaves it to that function's settings.
    pub key: Option<String>,
    /// Further headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Media type of the body. May be empty.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
    /// How long it waits before it may run.
    pub delay: Duration,
}

impl Message {
    /// What it counts towards [`crate::limits::SENDS_BYTES_MAX`]: the bytes of all its texts and of its body.
    pub fn size(&self) -> u64 {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        let key = self.key.as_ref().map_or(0, String::len);
        (self.function.len() + key + self.content_type.len() + headers + self.body.len()) as u64
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum CallOutcome {
    /// A response for each event, in the order of the events.
    Replied(Vec<Reply>),
    /// User code raised. `message` is one line naming the exception, as in `ValueError: no such size`; `status` is what
    /// an HTTP caller gets (500 unless the exception says otherwise).
    Raised {
        /// One line.
        message: String,
        /// HTTP status.
        status: u16,
    },
    /// It did not end by itself. The worker is gone or going.
    Broken {
        /// Anything but `Succeeded` and `Raised`.
        outcome: AttemptOutcome,
        /// One line for a person, as in `used more than its memory limit of 128 MiB`.
        reason: String,
    },
}

/// A finished call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallEnd {
    /// How it ended.
    pub outcome: CallOutcome,
    /// What it printed and logged, in order; bounded by [`crate::limits`]. A traceback is the last line, at level error.
    pub logs: Vec<LogLine>,
    /// Time spent in user code, as the worker measured it.
    pub user_code: Duration,
    /// The new state, as JSON, when it changed. Counts when the call succeeded.
    pub state: Option<Bytes>,
    /// Messages sent. They count when the call succeeded.
    pub sends: Vec<Message>,
    /// Results left on the results socket, in order.
    pub results: Vec<Bytes>,
    /// What it used, where the driver can tell.
    pub report: Option<RunReport>,
    /// What ended it before its time, in one line, though it counts as replied (see [`crate::spec::Completion::Run`]).
    /// Mostly empty.
    pub reason: String,
}

impl CallEnd {
    /// An end with nothing but an outcome, a log and a time.
    pub fn new(outcome: CallOutcome, logs: Vec<LogLine>, user_code: Duration) -> CallEnd {
        CallEnd {
            outcome,
            logs,
            user_code,
            state: None,
            sends: Vec::new(),
            results: Vec::new(),
            report: None,
            reason: String::new(),
        }
    }
}

/// Where a worker lives, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The driver and its address, as in `process` or `docker:unix:///var/run/docker.sock`.
    pub driver: String,
    /// The image, for a container.
    pub image: String,
    /// The container's id, or the process's; of the execution that runs or ran last for one container an execution.
    pub instance: String,
}

/// One live instance of a revision.
#[async_trait]
pub trait Worker: Send + Sync {
    /// Its id.
    fn id(&self) -> &WorkerId;

    /// How many calls it takes at once. At least 1.
    fn slots(&self) -> u32;

    /// How many calls beyond its slots may be handed to it while it is busy: it begins them in order. When the worker
    /// breaks, those it has not begun end as interrupted.
    fn ahead_max(&self) -> u32 {
        0
    }

    /// Runs one call to its end: never longer than the call's timeout, its wait for room and a short grace. Dropping the future abandons
    /// the call and makes the worker unfit for more.
    async fn call(&self, call: &Call) -> CallEnd;

    /// What the open call of `invocation` has printed and logged so far; `None` when that is not known.
    async fn logs_so_far(&self, invocation: InvocationId) -> Option<Vec<LogLine>> {
        let _ = invocation;
        None
    }

    /// Whether it can take calls.
    fn is_alive(&self) -> bool;

    /// Where it lives.
    fn place(&self) -> Place {
        Place::default()
    }

    /// Comes back when it can take no more calls.
    async fn gone(&self);

    /// Lets open calls finish for `grace`, then ends it by force. Calls still open end as interrupted.
    async fn stop(&self, grace: Duration);

    /// Ends the call of `invocation` at once, at the price of the worker if need be; it ends as cancelled.
    async fn cancel(&self, invocation: InvocationId);
}

/// Whether a driver can start workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverHealth {
    /// Its name, as in `process` or `docker`.
    pub name: String,
    /// Version and address, as in `20.10.24 at unix:///var/run/docker.sock`.
    pub detail: String,
    /// Why it cannot, with a hint; `None` when it can.
    pub problem: Option<String>,
}

/// Starts workers somewhere.
#[async_trait]
pub trait Driver: Send + Sync {
    /// Starts a worker and waits until it is ready, no longer than the spec's readiness timeout.
    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Worker>, LaunchError>;

    /// Prepares for launches of this kind to come, so that they are quick (spare interpreters). Best effort.
    async fn warm(&self, launch: &Launch);

    /// Makes an image that runs the function of `launch` from its package, on the image `base`, and gives it the name `tag`.
    /// Returns the image's id.
    async fn build_image(
        &self,
        launch: &Launch,
        base: &str,
        tag: &str,
        progress: &dyn Progress,
    ) -> Result<String, LaunchError> {
        let _ = (launch, base, tag, progress);
        Err(LaunchError { reason: "this driver does not build images".to_owned(), logs: Vec::new() })
    }

    /// Why launches for `spec` fail now through no fault of the function, as when the container engine does not answer. `None`
    /// when it knows of nothing; asked after a launch has failed. What is queued waits for the end of an outage.
    async fn outage(&self, spec: &FunctionSpec) -> Option<String> {
        let _ = spec;
        None
    }

    /// The node begins to stop: from now on a worker that is stopped leaves what can go on without the node, for the next one to
    /// take over. Before that, a worker that is stopped ends all it began, as when its function is deleted.
    fn leave(&self) {}

    /// The function was deleted: nobody will take over what an earlier node left of it.
    fn forget(&self, function: &FunctionRef) {
        let _ = function;
    }

    /// The invocations whose executions an earlier node left, going on or ended and not told. They wait to be taken over by
    /// the next attempt; who knows that there will be none says so by [`Driver::release`].
    async fn left(&self) -> Vec<InvocationId> {
        Vec::new()
    }

    /// Nobody will take over what an earlier node left of this invocation.
    fn release(&self, invocation: InvocationId) {
        let _ = invocation;
    }

    /// Ends whatever it still holds: spare interpreters, sockets, containers.
    async fn close(&self);

    /// What it can tell of itself: a line for each part of it, as in `tidemill status`.
    async fn health(&self) -> Vec<DriverHealth> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, invocation::LogLevel};

    fn error(reason: &str, logs: &[&str]) -> LaunchError {
        let line = |text: &&str| LogLine {
            time: Timestamp(0),
            level: LogLevel::Info,
            message: (*text).to_owned(),
            fields: None,
        };
        LaunchError { reason: reason.to_owned(), logs: logs.iter().map(line).collect() }
    }

    #[test]
    fn a_launch_error_has_a_line_and_maybe_a_traceback() {
        for (reason, line, traceback) in [
            ("E: no", "E: no", None),
            ("E: no\n", "E: no", None),
            ("E: no\nTraceback:\n  at 1\nE: no\n", "E: no", Some("Traceback:\n  at 1\nE: no")),
            ("", "it gave no reason", None),
        ] {
            let error = error(reason, &[]);
            assert_eq!((error.line(), error.traceback()), (line, traceback), "{reason:?}");
        }
    }

    #[test]
    fn nothing_is_said_twice() {
        for (reason, logs, said, printed) in [
            ("E: no\nTraceback:\n  at 1\nE: no", vec!["loading"], "Traceback:\n  at 1\nE: no", vec!["loading"]),
            ("E: no\nE: no\n  at 1", vec!["E: no", "  at 1"], "E: no\n  at 1", vec![]),
            ("E: a b\nTraceback:\nE: a\nb", vec![], "E: a b\nTraceback:\nE: a\nb", vec![]),
            ("the worker exited: bad key", vec!["hello", "bad key"], "the worker exited: bad key", vec!["hello"]),
        ] {
            let once = error(reason, &logs).said_once();
            let left: Vec<&str> = once.logs.iter().map(|log| log.message.as_str()).collect();
            assert_eq!((once.reason.as_str(), left), (said, printed), "{reason:?}");
        }
    }
}
