//! How a call went, in the words of an attempt.

use std::time::Duration;

use bytes::Bytes;
use tidemill_core::{
    RevisionNumber, Timestamp,
    invocation::{AttemptOutcome, LogLevel, LogLine, Reply, RunReport},
    limits::{RESPONSE_BODY_BYTES_MAX, RESULTS_MAX, SENDS_MAX, STATE_BYTES_MAX},
    ports::{CallEnd, CallOutcome, LaunchError, Message},
};

use crate::large::Room;

/// How a call went.
pub(crate) struct Ending {
    pub outcome: AttemptOutcome,
    pub reason: String,
    /// One for each event when the handler replied.
    pub replies: Vec<Reply>,
    pub logs: Vec<LogLine>,
    /// The new state, when it changed.
    pub state: Option<Bytes>,
    /// Messages sent.
    pub sends: Vec<Message>,
    /// Results left, in order.
    pub results: Vec<Bytes>,
    pub report: Option<RunReport>,
    pub user_code: Duration,
    pub call: Duration,
    pub cold_start: Duration,
    pub worker: String,
    pub revision: Option<RevisionNumber>,
    /// When it began, or ended without having begun.
    pub started_at: Timestamp,
    /// Whether anything was tried: a worker reached, or a start made for it.
    pub has_begun: bool,
    /// The next attempt waits at least so long.
    pub rest: Duration,
    /// Memory for large replies.
    pub _room: Room,
}

impl Ending {
    /// Nothing was tried.
    pub fn not_begun(outcome: AttemptOutcome, reason: String, now: Timestamp) -> Ending {
        Ending {
            outcome,
            reason,
            replies: Vec::new(),
            logs: Vec::new(),
            state: None,
            sends: Vec::new(),
            results: Vec::new(),
            report: None,
            user_code: Duration::ZERO,
            call: Duration::ZERO,
            cold_start: Duration::ZERO,
            worker: String::new(),
            revision: None,
            started_at: now,
            has_begun: false,
            rest: Duration::ZERO,
            _room: None,
        }
    }

    /// No worker started for it. One line is the reason, the rest is its log.
    pub fn launch_failed(error: &LaunchError, revision: RevisionNumber, now: Timestamp) -> Ending {
        let mut logs = error.logs.clone();
        logs.extend(error.traceback().map(|traceback| LogLine {
            time: now,
            level: LogLevel::Error,
            message: traceback.to_owned(),
            fields: None,
        }));
        Ending {
            logs,
            revision: Some(revision),
            has_begun: true,
            ..Ending::not_begun(AttemptOutcome::LaunchFailed, error.line().to_owned(), now)
        }
    }

    /// Translates a worker's answer. `events` is how many replies there must be.
    pub fn of_call(end: CallEnd, events: usize) -> Ending {
        let mut ending = Ending::not_begun(AttemptOutcome::Succeeded, String::new(), Timestamp(0));
        ending.has_begun = true;
        ending.logs = end.logs;
        ending.user_code = end.user_code;
        ending.report = end.report;
        ending.results = end.results;
        ending.results.truncate(RESULTS_MAX);
        match end.outcome {
            CallOutcome::Replied(replies) => {
                let fault = reply_fault(&replies, events);
                match fault.or_else(|| effects_fault(end.state.as_ref(), &end.sends)) {
                    Some(fault) => ending.spoil(fault),
                    None => {
                        ending.replies = replies;
                        ending.reason = end.reason;
                        ending.state = end.state;
                        ending.sends = end.sends;
                    }
                }
            }
            CallOutcome::Raised { message, status } => {
                ending.outcome = AttemptOutcome::Raised;
                ending.replies = vec![error_reply(status, &message)];
                ending.reason = message;
            }
            CallOutcome::Broken { outcome, reason } => {
                ending.outcome = outcome;
                ending.reason = reason;
            }
        }
        ending
    }

    /// What the handler gave breaks a rule: nothing of it counts.
    pub fn spoil(&mut self, fault: String) {
        self.outcome = AttemptOutcome::BadResponse;
        let time = self.logs.last().map_or(self.started_at, |line| line.time);
        self.logs.push(LogLine { time, level: LogLevel::Error, message: fault.clone(), fields: None });
        self.reason = fault;
        self.replies.clear();
        self.state = None;
        self.sends.clear();
    }

    /// The first event whose reply is a success: what the call as a whole did goes with it, or counts for nothing.
    pub fn carrier(&self) -> Option<usize> {
        let is_success = self.outcome == AttemptOutcome::Succeeded;
        self.replies.iter().position(|reply| is_success && reply.status < FAILED_FROM)
    }
}

/// Replies from this status on say that the function itself failed; a queued invocation is then tried again.
pub(crate) const FAILED_FROM: u16 = 500;

fn reply_fault(replies: &[Reply], events: usize) -> Option<String> {
    if replies.len() != events {
        return Some(format!("the handler gave {} responses for {events} events", replies.len()));
    }
    let is_large = replies.iter().any(|reply| reply.body.len() as u64 > RESPONSE_BODY_BYTES_MAX);
    is_large.then(|| format!("the response is larger than {} MiB", RESPONSE_BODY_BYTES_MAX >> 20))
}

fn effects_fault(state: Option<&Bytes>, sends: &[Message]) -> Option<String> {
    if state.is_some_and(|state| state.len() > STATE_BYTES_MAX) {
        return Some(format!("the state is larger than {} MiB", STATE_BYTES_MAX >> 20));
    }
    (sends.len() > SENDS_MAX).then(|| format!("it sent {} messages; {SENDS_MAX} is the most", sends.len()))
}

/// The response that an HTTP caller gets for a failed attempt: one line.
pub(crate) fn error_reply(status: u16, line: &str) -> Reply {
    let mut body = line.to_owned();
    body.push('\n');
    let content_type = "text/plain; charset=utf-8".to_owned();
    Reply { status, content_type, headers: Vec::new(), body: Bytes::from(body) }
}
