//! What a worker prints and logs, filed under its calls.

use tidemill_core::{Timestamp, invocation::LogLevel};

use super::Attendant;
use crate::{
    linked::vessel::{Output, Vessel},
    logs::{cut_text, now},
};

impl Attendant {
    /// Before a call ends: what it printed belongs to it, an unfinished line included.
    pub(super) fn read_what_was_printed(&mut self, vessel: &mut impl Vessel) {
        vessel.drain(|output, bytes| self.printed(output, bytes));
        for output in [Output::Out, Output::Err] {
            let mut splitter = std::mem::take(&mut self.lines[output as usize]);
            splitter.flush(|line| self.log(0, now(), level(output), line, None));
            self.lines[output as usize] = splitter;
        }
    }

    pub(super) fn printed(&mut self, output: Output, bytes: &[u8]) {
        let mut splitter = std::mem::take(&mut self.lines[output as usize]);
        splitter.push(bytes, |line| self.log(0, now(), level(output), line, None));
        self.lines[output as usize] = splitter;
    }

    /// Files a line under its call. A line without one belongs to the oldest open call, or to the launch.
    pub(super) fn log(
        &mut self,
        stream: u32,
        time: Timestamp,
        level: LogLevel,
        message: &str,
        fields: Option<(serde_json::Value, usize)>,
    ) {
        let mut guard = self.link.state.lock();
        let state = &mut *guard;
        let stream = if stream == 0 { state.calls.keys().next().copied().unwrap_or(0) } else { stream };
        if let Some(call) = state.calls.get_mut(&stream) {
            call.logs.push(time, level, message, fields);
        } else if self.ready.is_some() {
            self.launch_logs.push(time, level, message, fields);
        } else {
            drop(guard);
            self.trace(message, "line outside of any call");
        }
    }

    /// A line that belongs to no call and no failed launch goes to our own log.
    pub(super) fn trace(&self, message: &str, when: &str) {
        let message = cut_text(message, 1024);
        tracing::debug!(function = %self.owner.function, worker = %self.link.worker, message, "{when}");
    }
}

fn level(output: Output) -> LogLevel {
    if output == Output::Out { LogLevel::Info } else { LogLevel::Warn }
}
