//! What a worker prints and logs, filed under its calls.

use std::io;

use tidemill_core::{Timestamp, invocation::LogLevel};

use super::Attendant;
use crate::process::{
    cut_text, now,
    spawn::{Output, Process},
};

impl Attendant {
    pub(super) fn read_pipe(&mut self, process: &Process, output: Output) {
        let pipe = if output == Output::Out { &process.stdout } else { &process.stderr };
        let mut buffer = [0u8; 16 * 1024];
        match pipe.try_read(&mut buffer) {
            Ok(0) => self.is_pipe_open[output as usize] = false,
            Ok(read) => self.printed(output, &buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.is_pipe_open[output as usize] = false,
        }
    }

    /// Before a call ends: what it printed belongs to it, an unfinished line included.
    pub(super) fn read_what_was_printed(&mut self, process: &Process) {
        if self.is_pipe_open == [false; 2] {
            return;
        }
        process.drain(|output, bytes| self.printed(output, bytes));
        for output in [Output::Out, Output::Err] {
            let mut splitter = std::mem::take(&mut self.lines[output as usize]);
            splitter.flush(|line| self.log(0, now(), level(output), line, None));
            self.lines[output as usize] = splitter;
        }
    }

    fn printed(&mut self, output: Output, bytes: &[u8]) {
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
