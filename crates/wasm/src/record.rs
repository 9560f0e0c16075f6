//! What one run leaves behind, whatever becomes of its instance: its log, its output, its messages, its state.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use parking_lot::Mutex;
use tidemill_core::{
    Timestamp,
    invocation::{LogLevel, LogLine},
    limits::{RESPONSE_BODY_BYTES_MAX, SENDS_BYTES_MAX, SENDS_MAX, STATE_BYTES_MAX},
    log::{LineSplitter, LogBuffer},
    message,
    ports::Message,
};

/// The time that log lines are stamped with.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

/// Shared between an instance and the call that waits for it.
#[derive(Clone, Default)]
pub(crate) struct Record(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    logs: LogBuffer,
    stdout_lines: LineSplitter,
    stderr_lines: LineSplitter,
    stdout: Vec<u8>,
    is_overfull: bool,
    has_state: bool,
    state: Option<Bytes>,
    /// Whether the state was set.
    is_changed: bool,
    sends: Vec<Message>,
    sends_bytes: u64,
    memory_bytes_peak: u64,
}

/// What a call that succeeded hands on.
pub(crate) struct Outcome {
    pub state: Option<Bytes>,
    pub sends: Vec<Message>,
}

impl Record {
    /// A record of a run that begins with `state`; `None` for a function without state.
    pub fn new(state: Option<Bytes>) -> Record {
        Record(Arc::new(Mutex::new(Inner { has_state: state.is_some(), state, ..Inner::default() })))
    }

    /// Appends a log line.
    pub fn log(&self, level: LogLevel, message: &str, fields: Option<(serde_json::Value, usize)>) {
        self.0.lock().logs.push(now(), level, message, fields);
    }

    /// Appends a log line that must not be lost.
    pub fn log_last(&self, level: LogLevel, message: &str) {
        self.0.lock().logs.push_last(now(), level, message);
    }

    /// Takes what was written to stdout as the reply. False when it is too much.
    pub fn write_reply(&self, bytes: &[u8]) -> bool {
        let inner = &mut *self.0.lock();
        inner.is_overfull |= (inner.stdout.len() + bytes.len()) as u64 > RESPONSE_BODY_BYTES_MAX;
        if !inner.is_overfull {
            inner.stdout.extend_from_slice(bytes);
        }
        !inner.is_overfull
    }

    /// Whether more was written than a reply may hold.
    pub fn is_overfull(&self) -> bool {
        self.0.lock().is_overfull
    }

    /// The reply that was written.
    pub fn take_reply(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().stdout)
    }

    /// Takes what was written to stdout or stderr as log lines.
    pub fn write_lines(&self, level: LogLevel, bytes: &[u8]) {
        let inner = &mut *self.0.lock();
        let lines = if level == LogLevel::Info { &mut inner.stdout_lines } else { &mut inner.stderr_lines };
        lines.push(bytes, |line| inner.logs.push(now(), level, line, None));
    }

    /// Ends unfinished lines.
    pub fn flush(&self) {
        let inner = &mut *self.0.lock();
        inner.stdout_lines.flush(|line| inner.logs.push(now(), LogLevel::Info, line, None));
        inner.stderr_lines.flush(|line| inner.logs.push(now(), LogLevel::Warn, line, None));
    }

    /// The text of the last log line.
    pub fn last_message(&self) -> Option<String> {
        self.0.lock().logs.last_message().map(str::to_owned)
    }

    /// The last line that was written to stderr, but for hints.
    pub fn last_words(&self) -> Option<String> {
        let inner = self.0.lock();
        let written = inner.logs.lines().iter().rev().filter(|line| line.level == LogLevel::Warn);
        let mut lines = written.flat_map(|line| line.message.lines().rev()).map(str::trim);
        lines.find(|line| !line.is_empty() && !line.starts_with("note:")).map(str::to_owned)
    }

    /// The log so far.
    pub fn lines(&self) -> Vec<LogLine> {
        self.0.lock().logs.lines().to_vec()
    }

    /// The state, empty when none is stored. The error says that there is none to have.
    pub fn state(&self) -> Result<Bytes, String> {
        let inner = self.0.lock();
        inner.state.clone().filter(|_| inner.has_state).ok_or_else(without_state)
    }

    /// Replaces the state. The error is one line.
    pub fn set_state(&self, value: &[u8]) -> Result<(), String> {
        let inner = &mut *self.0.lock();
        if !inner.has_state {
            return Err(without_state());
        }
        if value.len() > STATE_BYTES_MAX {
            return Err(format!(
                "its state has {} bytes, more than the {STATE_BYTES_MAX} that are allowed",
                value.len()
            ));
        }
        serde_json::from_slice::<serde::de::IgnoredAny>(value)
            .map_err(|error| format!("the state is no JSON: {error}"))?;
        inner.state = Some(Bytes::copy_from_slice(value));
        inner.is_changed = true;
        Ok(())
    }

    /// Takes a message. The error is one line.
    pub fn send(&self, message: Message) -> Result<(), String> {
        let message = message::check(message)?;
        let inner = &mut *self.0.lock();
        if inner.sends.len() >= SENDS_MAX {
            return Err(format!("it sent more than the {SENDS_MAX} messages that are allowed"));
        }
        let size = message.size();
        if inner.sends_bytes + size > SENDS_BYTES_MAX {
            return Err(format!("the messages have more than the {SENDS_BYTES_MAX} bytes that are allowed"));
        }
        inner.sends_bytes += size;
        inner.sends.push(message);
        Ok(())
    }

    /// Notes how much memory an instance had at most.
    pub fn note_memory(&self, bytes: u64) {
        let inner = &mut *self.0.lock();
        inner.memory_bytes_peak = inner.memory_bytes_peak.max(bytes);
    }

    /// The most memory that an instance had.
    pub fn memory_bytes_peak(&self) -> u64 {
        self.0.lock().memory_bytes_peak
    }

    /// What counts when the call succeeded.
    pub fn outcome(&self) -> Outcome {
        let inner = &mut *self.0.lock();
        let state = inner.state.take().filter(|_| inner.is_changed);
        Outcome { state, sends: std::mem::take(&mut inner.sends) }
    }
}

fn without_state() -> String {
    "this function has no state: set spec.state to function or key".to_owned()
}
