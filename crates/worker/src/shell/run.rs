//! One program run for one event.

use std::{
    io,
    process::ExitStatus,
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tidemill_core::{
    invocation::{AttemptOutcome, LogLevel},
    limits::RESPONSE_BODY_BYTES_MAX,
};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::{
    linked::{Leash as _, Output},
    logs::{LineSplitter, LogBuffer, now},
    process::{Process, cpu_ns},
    words::memory_reason,
};

/// How often the memory of a limited program is looked at.
const MEMORY_PERIOD: Duration = Duration::from_millis(50);

/// What a run must keep to.
pub(crate) struct Bounds<'a> {
    pub deadline: Option<Instant>,
    pub memory_bytes: Option<u64>,
    /// Ends it early.
    pub cut: &'a CancellationToken,
}

/// How a run ended.
pub(crate) enum RunEnd {
    /// By itself, with what it printed to stdout and the cpu time it used, in nanoseconds.
    Exited(ExitStatus, Vec<u8>, u64),
    /// Time was up.
    TimedOut,
    /// It was cut short.
    Cut,
    /// It broke a limit.
    Broken(AttemptOutcome, String),
}

struct Run<'a> {
    process: Process,
    stdout: Vec<u8>,
    stderr: LineSplitter,
    logs: &'a Mutex<LogBuffer>,
}

/// Feeds `body` to `process` and collects what it prints until it ends or must be ended. Others may look into `logs` meanwhile.
pub(crate) async fn run(
    process: Process,
    body: Bytes,
    bounds: Bounds<'_>,
    logs: &Mutex<LogBuffer>,
) -> io::Result<RunEnd> {
    let mut run = Run { process, stdout: Vec::new(), stderr: LineSplitter::default(), logs };
    let early = run.attend(body, &bounds).await;
    let Run { process, stdout, mut stderr, logs } = run;
    stderr.flush(|line| logs.lock().push(now(), LogLevel::Warn, line, None));
    let leash = process.leash();
    let cpu_ns = cpu_ns(leash.leader());
    let broken = leash.confined().and_then(|confined| confined.broken_memory_limit());
    let status = process.reap()?;
    Ok(match early {
        Some(end) => end,
        // Also when the program made nothing of it, as one does that waits for the last of several only.
        None if broken.is_some() => RunEnd::Broken(AttemptOutcome::OutOfMemory, memory_reason(broken.unwrap_or(0))),
        None if bounds.memory_bytes.is_some() && !status.success() && logs.lock().tells_of_memory() => {
            RunEnd::Broken(AttemptOutcome::OutOfMemory, memory_reason(bounds.memory_bytes.unwrap_or(0)))
        }
        None => RunEnd::Exited(status, stdout, cpu_ns),
    })
}

impl Run<'_> {
    async fn attend(&mut self, body: Bytes, bounds: &Bounds<'_>) -> Option<RunEnd> {
        let mut stdin = self.process.stdin.take();
        let mut unsent = &body[..];
        let mut open = [true; 2];
        let mut look_at = bounds.memory_bytes.map(|_| Instant::now() + MEMORY_PERIOD);
        loop {
            if unsent.is_empty() {
                stdin = None;
            }
            let deadline = bounds.deadline.unwrap_or_else(Instant::now);
            tokio::select! {
                () = self.process.exited() => break,
                _ = async { stdin.as_ref().expect("guarded").writable().await }, if stdin.is_some() => {
                    let sent = stdin.as_ref().expect("guarded").try_write(unsent);
                    match sent {
                        Ok(sent) => unsent = &unsent[sent..],
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        // It does not want to read all of it.
                        Err(_) => unsent = &[],
                    }
                }
                _ = self.process.stdout.readable(), if open[0] => open[0] = self.read(Output::Out),
                _ = self.process.stderr.readable(), if open[1] => open[1] = self.read(Output::Err),
                () = bounds.cut.cancelled() => return Some(RunEnd::Cut),
                () = sleep_until(deadline.into()), if bounds.deadline.is_some() => return Some(RunEnd::TimedOut),
                () = sleep_until(look_at.unwrap_or(deadline).into()), if look_at.is_some() => {
                    look_at = Some(Instant::now() + MEMORY_PERIOD);
                    let limit = bounds.memory_bytes.unwrap_or(u64::MAX);
                    if self.process.leash().resident_bytes().unwrap_or(0) > limit {
                        return Some(RunEnd::Broken(AttemptOutcome::OutOfMemory, memory_reason(limit)));
                    }
                }
            }
            if let Some(end) = self.too_long() {
                return Some(end);
            }
        }
        // What it wrote before it ended. Others that hold the pipe are not waited for.
        while self.read_rest() {}
        self.too_long()
    }

    fn too_long(&self) -> Option<RunEnd> {
        let size = self.stdout.len() as u64;
        let reason = || format!("the response has more than the {RESPONSE_BODY_BYTES_MAX} bytes that are allowed");
        (size > RESPONSE_BODY_BYTES_MAX).then(|| RunEnd::Broken(AttemptOutcome::BadResponse, reason()))
    }

    fn read(&mut self, output: Output) -> bool {
        let mut buffer = [0u8; 16 * 1024];
        let pipe = if output == Output::Out { &self.process.stdout } else { &self.process.stderr };
        match pipe.try_read(&mut buffer) {
            Ok(0) => false,
            Ok(read) => {
                take(&mut self.stdout, &mut self.stderr, self.logs, output, &buffer[..read]);
                true
            }
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    fn read_rest(&mut self) -> bool {
        let Run { process, stdout, stderr, logs } = self;
        let mut read = 0;
        process.drain(|output, bytes| {
            read += bytes.len();
            take(stdout, stderr, logs, output, bytes);
        });
        // A program of its group that still writes gets no say in how long this lasts.
        read > LEFTOVER_BYTES_MIN
    }
}

/// A drain that brings less has emptied the pipes.
const LEFTOVER_BYTES_MIN: usize = 96 * 1024;

fn take(stdout: &mut Vec<u8>, stderr: &mut LineSplitter, logs: &Mutex<LogBuffer>, output: Output, bytes: &[u8]) {
    match output {
        Output::Out => stdout.extend_from_slice(bytes),
        Output::Err => stderr.push(bytes, |line| logs.lock().push(now(), LogLevel::Warn, line, None)),
    }
}
