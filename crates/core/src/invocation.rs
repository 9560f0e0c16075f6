//! Invocations and attempts: the life of one logical call.
//!
//! ```text
//!             submit                claim                 settle
//!   (event) ─────────► queued ───────────────► running ───────────► succeeded
//!                        ▲  │                     │ │
//!                        │  │ cancel              │ ├──────────────► failed         (a synchronous call)
//!                        │  └──────► cancelled ◄──┘ ├──────────────► dead_lettered  (no attempt left)
//!                        └──────────────────────────┘
//!                          retry, or lease ran out
//! ```
//!
//! `retry` and `redrive` put a finished invocation back to `queued`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    event::Event,
    id::{Generation, InvocationId, RevisionNumber},
    name::FunctionRef,
    time::Timestamp,
};

/// Where an invocation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its first or next attempt.
    Queued,
    /// An attempt runs under a lease.
    Running,
    /// Ended with a response; or it ran, where that is enough (see [`crate::spec::Completion`]).
    Succeeded,
    /// A synchronous call that ended without success; nobody tries it again.
    Failed,
    /// Gave up after its last attempt; kept, can be redriven.
    DeadLettered,
    /// Somebody cancelled it.
    Cancelled,
}

impl Status {
    /// Every status, in the order of a life.
    pub const ALL: [Status; 6] =
        [Status::Queued, Status::Running, Status::Succeeded, Status::Failed, Status::DeadLettered, Status::Cancelled];

    /// The word for it in API, CLI and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Queued => "queued",
            Status::Running => "running",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::DeadLettered => "dead_lettered",
            Status::Cancelled => "cancelled",
        }
    }

    /// Reads what [`Status::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether nothing more happens to it unless somebody asks.
    pub fn is_final(self) -> bool {
        !matches!(self, Status::Queued | Status::Running)
    }

    /// The status after `step`, or `None` when that step is impossible here.
    pub fn after(self, step: Step) -> Option<Status> {
        match (self, step) {
            (Status::Queued, Step::Claim) => Some(Status::Running),
            (Status::Running, Step::Succeed) => Some(Status::Succeeded),
            (Status::Running, Step::Fail) => Some(Status::Failed),
            (Status::Running, Step::GiveUp) => Some(Status::DeadLettered),
            (Status::Running, Step::Requeue) => Some(Status::Queued),
            (Status::Queued | Status::Running, Step::Cancel) => Some(Status::Cancelled),
            (Status::Succeeded | Status::Failed | Status::DeadLettered | Status::Cancelled, Step::Redrive) => {
                Some(Status::Queued)
            }
            (Status::Queued, Step::Succeed | Step::Fail | Step::GiveUp | Step::Requeue | Step::Redrive)
            | (Status::Running, Step::Claim | Step::Redrive)
            | (
                Status::Succeeded | Status::Failed | Status::DeadLettered | Status::Cancelled,
                Step::Claim | Step::Succeed | Step::Fail | Step::GiveUp | Step::Requeue | Step::Cancel,
            ) => None,
        }
    }
}

/// What can happen to an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An attempt starts under a lease.
    Claim,
    /// The attempt gave a response.
    Succeed,
    /// A synchronous call did not succeed.
    Fail,
    /// The last attempt failed.
    GiveUp,
    /// The attempt failed and another follows, or it was interrupted.
    Requeue,
    /// Somebody cancels.
    Cancel,
    /// Somebody wants it run again.
    Redrive,
}

impl Step {
    /// Every step.
    pub const ALL: [Step; 7] =
        [Step::Claim, Step::Succeed, Step::Fail, Step::GiveUp, Step::Requeue, Step::Cancel, Step::Redrive];
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The handler gave a response.
    Succeeded,
    /// The handler raised an exception, or a command exited with an error.
    Raised,
    /// It ran longer than the event timeout.
    TimedOut,
    /// The worker process died.
    Crashed,
    /// The worker used more memory than its limit.
    OutOfMemory,
    /// The response broke a rule: too large, or not understood.
    BadResponse,
    /// No worker could be started.
    LaunchFailed,
    /// The node stopped or the lease ran out; not the function's fault.
    Interrupted,
    /// Somebody cancelled it.
    Cancelled,
}

impl AttemptOutcome {
    /// Every outcome.
    pub const ALL: [AttemptOutcome; 9] = [
        AttemptOutcome::Succeeded,
        AttemptOutcome::Raised,
        AttemptOutcome::TimedOut,
        AttemptOutcome::Crashed,
        AttemptOutcome::OutOfMemory,
        AttemptOutcome::BadResponse,
        AttemptOutcome::LaunchFailed,
        AttemptOutcome::Interrupted,
        AttemptOutcome::Cancelled,
    ];

    /// The word for it in API, CLI and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            AttemptOutcome::Succeeded => "succeeded",
            AttemptOutcome::Raised => "raised",
            AttemptOutcome::TimedOut => "timed_out",
            AttemptOutcome::Crashed => "crashed",
            AttemptOutcome::OutOfMemory => "out_of_memory",
            AttemptOutcome::BadResponse => "bad_response",
            AttemptOutcome::LaunchFailed => "launch_failed",
            AttemptOutcome::Interrupted => "interrupted",
            AttemptOutcome::Cancelled => "cancelled",
        }
    }

    /// Reads what [`AttemptOutcome::as_str`] wrote.
    pub fn parse(text: &str) -> Option<AttemptOutcome> {
        AttemptOutcome::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// Where the time of an invocation went, in microseconds. The parts add up to the whole: from its arrival until it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timings {
    /// From the arrival of the request until the event was complete, understood and routed.
    pub received_us: u64,
    /// Waiting for a free worker, for its turn, or for its next attempt (earlier attempts included).
    pub queued_us: u64,
    /// Waiting for a worker to start.
    pub cold_start_us: u64,
    /// Inside the user's code, as the worker measured it.
    pub user_code_us: u64,
    /// To the worker and back.
    pub transfer_us: u64,
    /// Making the event and the result durable.
    pub commit_us: u64,
}

impl Timings {
    /// The whole, in microseconds.
    pub fn total_us(&self) -> u64 {
        self.received_us + self.queued_us + self.cold_start_us + self.user_code_us + self.transfer_us + self.commit_us
    }
}

/// What an execution used and how its process or container ended, where the driver can tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunReport {
    /// Exit code of the container or process; `None` when it is not known.
    pub exit_code: Option<i64>,
    /// CPU time, in nanoseconds.
    pub cpu_ns: u64,
    /// Bytes received from the network and read from block devices.
    pub io_bytes: u64,
    /// Largest memory use seen, in bytes.
    pub memory_bytes_max: u64,
    /// Run time as the driver measured it, in microseconds.
    pub run_us: u64,
    /// The container engine's own description of the end (Docker's `State` object); `null` when there is none.
    pub final_state: serde_json::Value,
}

/// One try of an invocation that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// The revision that ran, or whose worker did not start. `None` when it did not begin, or when that is not known.
    pub revision: Option<RevisionNumber>,
    /// The worker that ran it. May be empty.
    pub worker: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// One line for a person: why it did not succeed. Empty when it did.
    pub reason: String,
    /// What it used and how it ended, where the driver can tell.
    pub report: Option<RunReport>,
}

/// What a function answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Media type of the body. May be empty.
    pub content_type: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Details for the author.
    Debug,
    /// What happened. Also every line printed to stdout.
    Info,
    /// Something to look at. Also every line printed to stderr.
    Warn,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        }
    }

    /// Reads a level, generously as Nuclio does: an unknown word is `Debug`.
    pub fn parse(text: &str) -> LogLevel {
        match text {
            "error" | "critical" | "fatal" => LogLevel::Error,
            "warn" | "warning" => LogLevel::Warn,
            "info" => LogLevel::Info,
            _ => LogLevel::Debug,
        }
    }
}

/// One line that user code printed or logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub time: Timestamp,
    /// How important.
    pub level: LogLevel,
    /// The text, cut to [`crate::limits::LOG_MESSAGE_BYTES_MAX`].
    pub message: String,
    /// Structured fields (`logger.info_with`), a JSON object; `None` when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<serde_json::Value>,
}

impl LogLine {
    /// The message that a log ends with that was too long.
    pub const DROPPED: &str = "log limit reached, further lines are dropped";
    /// The field of an entry whose line goes on in the next one.
    pub const CONTINUES: &str = "continues";
}

/// An invocation without its bodies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// Its id.
    pub id: InvocationId,
    /// The function it calls.
    pub function: FunctionRef,
    /// Where it stands.
    pub status: Status,
    /// The event's envelope; the body is apart.
    pub event: Event,
    /// Bytes in the event's body.
    pub event_size: u64,
    /// Invocations of one key run one after the other, in the order they came.
    pub key: Option<String>,
    /// The first answer to this key is the answer to all.
    pub idempotency_key: Option<String>,
    /// The invocation whose response this event is.
    pub parent: Option<InvocationId>,
    /// Attempts begun so far.
    pub attempts: u32,
    /// Attempts failed so far, which is what the retry policy counts.
    pub failures: u32,
    /// Attempts interrupted so far.
    pub interruptions: u32,
    /// The generation of its newest lease; 0 before the first.
    pub generation: Generation,
    /// When the request or event arrived.
    pub received_at: Timestamp,
    /// When its next attempt may begin.
    pub available_at: Timestamp,
    /// When its newest attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How its newest attempt ended.
    pub outcome: Option<AttemptOutcome>,
    /// One line for a person: why it did not succeed. Empty when it did or has not ended.
    pub reason: String,
    /// The HTTP status of the response.
    pub response_status: Option<u16>,
    /// Where the time went; complete when it has ended.
    pub timings: Timings,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_are_as_drawn() {
        let mut table = String::new();
        for status in Status::ALL {
            for step in Step::ALL {
                if let Some(next) = status.after(step) {
                    table += &format!("{} --{step:?}--> {}\n", status.as_str(), next.as_str());
                }
            }
        }
        insta::assert_snapshot!(table, @r"
        queued --Claim--> running
        queued --Cancel--> cancelled
        running --Succeed--> succeeded
        running --Fail--> failed
        running --GiveUp--> dead_lettered
        running --Requeue--> queued
        running --Cancel--> cancelled
        succeeded --Redrive--> queued
        failed --Redrive--> queued
        dead_lettered --Redrive--> queued
        cancelled --Redrive--> queued
        ");
    }

    #[test]
    fn words_round_trip() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        for outcome in AttemptOutcome::ALL {
            assert_eq!(AttemptOutcome::parse(outcome.as_str()), Some(outcome));
        }
    }
}
