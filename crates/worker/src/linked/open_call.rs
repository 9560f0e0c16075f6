//! A call that a worker has not answered yet.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tidemill_core::{
    InvocationId,
    invocation::{AttemptOutcome, LogLine, Reply},
};
use tokio::sync::oneshot;

use super::left::Left;
use crate::{
    logs::LogBuffer,
    protocol::{frame::Place, incoming::BatchReply},
};

/// Why a worker is being ended, and how the calls that are open then end.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// The call that is to blame; `None` when all are. The others end as interrupted.
    pub stream: Option<u32>,
    pub outcome: AttemptOutcome,
    pub reason: String,
}

/// A response body on its way to the caller.
#[derive(Debug)]
pub(crate) enum ReplyBody {
    Here(Bytes),
    Shared(Place),
}

/// What a worker answered, before bodies are fetched and responses checked.
#[derive(Debug)]
pub(crate) enum Answer {
    /// `REPLY` of a single event; the reply's own body is empty.
    Reply(Reply, ReplyBody),
    /// `REPLY` of a batch.
    Batch(Vec<BatchReply>, ReplyBody),
    /// `ERROR`: one line and a status.
    Raised(String, u16),
    /// None: the worker was ended or ended by itself.
    Broken(AttemptOutcome, String),
}

/// What the caller of an open call waits for.
#[derive(Debug)]
pub(crate) struct Answered {
    pub answer: Answer,
    pub logs: Vec<LogLine>,
    pub user_code: Duration,
    pub left: Left,
}

/// A call between its `EVENT` and its answer.
pub(crate) struct OpenCall {
    pub invocation: InvocationId,
    pub started: Instant,
    /// Taken when its end is known early (cancelled) or nobody waits any more (abandoned).
    pub answer: Option<oneshot::Sender<Answered>>,
    pub logs: LogBuffer,
    /// The state and the messages it has handed in so far.
    pub left: Left,
    /// Its regions of the memory file to the worker.
    pub regions: Vec<Place>,
    /// Whether the worker must be told when the bodies it put into its memory file have been read.
    pub must_release: bool,
}

impl OpenCall {
    /// When the worker began it: once it had it, and not before `freed_at`, when it ended the former call.
    pub fn began_at(&self, freed_at: Option<Instant>) -> Instant {
        freed_at.map_or(self.started, |freed_at| freed_at.max(self.started))
    }

    /// Tells the caller how it ended.
    pub fn end(mut self, answer: Answer, user_code: Duration) {
        if let Some(sender) = self.answer.take() {
            let user_code = user_code.min(self.started.elapsed());
            // Nobody waits for an abandoned call.
            let _ = sender.send(Answered { answer, logs: self.logs.into_lines(), user_code, left: self.left });
        }
    }
}
