//! The task that attends to one worker for all its life.
//!
//! It reads the socket and both pipes, hands answers to those who wait for them, writes what the socket did not take, and when
//! the process is gone reaps it and ends the calls that are left. It never waits for anybody else, so endless output or a
//! slow caller cannot hold up anything.

use std::{
    io,
    process::ExitStatus,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tidemill_core::{
    Event, FunctionName, FunctionRef, Timestamp, TriggerLabel,
    invocation::{AttemptOutcome, LogLevel, LogLine, Reply},
    limits::{INLINE_BODY_BYTES_MAX, RESPONSE_BODY_BYTES_MAX},
    ports::{CallRequest, Host},
};
use rustix::process::Signal;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::sleep_until,
};

use super::{
    exit::how_it_ended,
    link::{Link, Phase, Request},
    logs::{LineSplitter, LogBuffer, now},
    open_call::{Answer, ReplyBody, Verdict},
    spawn::{Output, Process},
};
use crate::protocol::{
    frame::{Body, Decoder, Frame, Kind, Violation},
    incoming::{self, CallMeta, Failure, Log, Ready},
    outgoing,
};

/// Calls of other functions that one worker may have open.
const HOST_CALLS_MAX: usize = 256;
/// How long a worker that has closed its socket, or was asked to end, has to do so.
const LEAVING_GRACE: Duration = Duration::from_millis(500);
/// How long an asynchronous worker has to answer a call that was cancelled.
const CANCEL_GRACE: Duration = Duration::from_secs(2);
/// Bytes read from one place before the others get their turn.
const TURN_BYTES: usize = 64 * 1024;

/// Why a worker did not become ready.
pub(crate) struct LaunchFailure {
    pub reason: String,
    pub logs: Vec<LogLine>,
}

/// Whose worker it is.
pub(crate) struct Owner {
    pub function: FunctionRef,
    pub host: Arc<dyn Host>,
}

/// See the module.
pub(crate) struct Attendant {
    link: Arc<Link>,
    owner: Owner,
    requests: mpsc::UnboundedReceiver<Request>,
    ready: Option<oneshot::Sender<Result<Ready, LaunchFailure>>>,
    launch_logs: LogBuffer,
    failed: Option<Failure>,
    was_ready: bool,
    lines: [LineSplitter; 2],
    host_calls: JoinSet<()>,
    is_socket_open: bool,
    is_pipe_open: [bool; 2],
    /// When what is going on has lasted long enough.
    force_at: Option<Instant>,
    /// Whether its end was asked for.
    is_stopping: bool,
    /// Whether [`Attendant::force`] has asked politely already.
    was_asked: bool,
    cancelled_until: Option<Instant>,
}

impl Attendant {
    pub fn new(
        link: Arc<Link>,
        owner: Owner,
        requests: mpsc::UnboundedReceiver<Request>,
        ready: oneshot::Sender<Result<Ready, LaunchFailure>>,
    ) -> Attendant {
        Attendant {
            link,
            owner,
            requests,
            ready: Some(ready),
            launch_logs: LogBuffer::default(),
            failed: None,
            was_ready: false,
            lines: Default::default(),
            host_calls: JoinSet::new(),
            is_socket_open: true,
            is_pipe_open: [true; 2],
            force_at: None,
            is_stopping: false,
            was_asked: false,
            cancelled_until: None,
        }
    }

    /// Attends to `process` until it is gone.
    pub async fn run(mut self, process: Process) {
        let mut decoder = Decoder::default();
        let link = self.link.clone();
        loop {
            let deadline = [self.force_at, self.cancelled_until].into_iter().flatten().min();
            tokio::select! {
                ready = link.stream.readable(), if self.is_socket_open => {
                    if ready.is_ok() {
                        self.read_socket(&mut decoder, &process);
                    }
                }
                _ = process.stdout.readable(), if self.is_pipe_open[0] => self.read_pipe(&process, Output::Out),
                _ = process.stderr.readable(), if self.is_pipe_open[1] => self.read_pipe(&process, Output::Err),
                () = process.exited() => break,
                Some(request) = self.requests.recv() => self.take_request(request),
                _ = link.stream.writable(), if self.is_socket_open && link.has_unsent() => { link.flush(); }
                Some(_) = self.host_calls.join_next() => {}
                () = sleep_until(deadline.unwrap_or_else(Instant::now).into()), if deadline.is_some() => self.overdue(),
            }
        }
        self.finish(decoder, process).await;
    }

    fn take_request(&mut self, request: Request) {
        match request {
            Request::Flush => {
                self.link.flush();
            }
            Request::Stop { until } => {
                self.is_stopping = true;
                self.link.leave();
                let _ = self.link.send(Kind::Drain, 0, Body::Inline(&[]), |_| {});
                self.force_at = Some(self.force_at.map_or(until, |earlier| earlier.min(until)));
            }
            Request::AwaitCancelled => {
                self.cancelled_until.get_or_insert_with(|| Instant::now() + CANCEL_GRACE);
            }
        }
    }

    fn overdue(&mut self) {
        let now = Instant::now();
        if self.force_at.is_some_and(|at| at <= now) {
            self.force(now);
        }
        if self.cancelled_until.is_some_and(|at| at <= now) {
            self.cancelled_until = None;
            if self.link.state.lock().calls.values().any(|call| call.answer.is_none()) {
                self.link.leave();
                self.link.end_if_unneeded();
            }
        }
    }

    /// Ends the worker: politely first, then without asking.
    fn force(&mut self, now: Instant) {
        let reason = "the worker was stopped before the call had ended";
        if !self.is_socket_open {
            self.force_at = None;
            self.link.condemn(None, AttemptOutcome::Crashed, "the worker closed its connection");
        } else if self.was_asked {
            self.force_at = None;
            self.link.condemn(None, AttemptOutcome::Interrupted, reason);
        } else {
            self.was_asked = true;
            self.force_at = Some(now + LEAVING_GRACE);
            let verdict = Verdict { stream: None, outcome: AttemptOutcome::Interrupted, reason: reason.to_owned() };
            self.link.state.lock().verdict.get_or_insert(verdict);
            self.link.leash.signal(Signal::TERM);
        }
    }

    fn read_socket(&mut self, decoder: &mut Decoder, process: &Process) {
        let buffer = decoder.buffer();
        buffer.reserve(TURN_BYTES);
        match self.link.stream.try_read_buf(buffer) {
            Ok(0) => self.socket_closed(),
            Ok(_) => self.take_frames(decoder, process),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.socket_closed(),
        }
    }

    fn socket_closed(&mut self) {
        self.is_socket_open = false;
        self.link.leave();
        self.force_at = Some(Instant::now() + LEAVING_GRACE);
    }

    fn take_frames(&mut self, decoder: &mut Decoder, process: &Process) {
        let taken = loop {
            match decoder.next() {
                Ok(Some(frame)) => {
                    if let Err(violation) = self.take_frame(frame, process) {
                        break Err(violation);
                    }
                }
                Ok(None) => break Ok(()),
                Err(violation) => break Err(violation),
            }
        };
        if let Err(violation) = taken {
            self.is_socket_open = false;
            let reason = format!("the worker broke the protocol: {violation}");
            self.link.condemn(None, AttemptOutcome::BadResponse, reason);
        }
    }

    fn take_frame(&mut self, frame: Frame<'_>, process: &Process) -> Result<(), Violation> {
        match frame.kind {
            Kind::Reply => self.reply(frame, process),
            Kind::Log => {
                let log: Log = incoming::read("LOG", frame.meta)?;
                let fields = log.fields.filter(|fields| !fields.is_empty()).map(serde_json::Value::Object);
                let fields = fields.map(|fields| (fields, frame.meta.len().saturating_sub(log.message.len())));
                let time = if log.time_us > 0 { Timestamp(log.time_us) } else { now() };
                self.log(frame.stream, time, LogLevel::parse(&log.level), &log.message, fields);
                Ok(())
            }
            Kind::Error => self.error(frame, process),
            Kind::Call => self.call(frame),
            Kind::Ready => self.become_ready(incoming::read("READY", frame.meta)?),
            Kind::Failed if self.ready.is_some() => {
                self.failed = Some(incoming::read("FAILED", frame.meta)?);
                self.force_at = Some(Instant::now() + LEAVING_GRACE);
                Ok(())
            }
            Kind::Failed => Err(Violation("FAILED after READY".to_owned())),
            Kind::Hello | Kind::Event | Kind::Cancel | Kind::Drain | Kind::Release | Kind::Called => {
                Err(Violation("a frame that only Tidemill sends".to_owned()))
            }
        }
    }

    fn become_ready(&mut self, mut ready: Ready) -> Result<(), Violation> {
        let sender = self.ready.take().ok_or_else(|| Violation("a second READY".to_owned()))?;
        if ready.protocol != crate::protocol::VERSION {
            let reason = format!("the worker speaks version {} of the protocol, not 1", ready.protocol);
            self.ready = Some(sender);
            return Err(Violation(reason));
        }
        ready.slots = ready.slots.max(1);
        self.was_ready = true;
        for line in std::mem::take(&mut self.launch_logs).into_lines() {
            self.trace(&line.message, "line while loading");
        }
        {
            let mut state = self.link.state.lock();
            if state.phase == Phase::Launching {
                state.phase = Phase::Running;
            }
        }
        if sender.send(Ok(ready)).is_err() {
            self.link.condemn(None, AttemptOutcome::Interrupted, "nobody waits for the worker");
        }
        Ok(())
    }

    fn reply(&mut self, frame: Frame<'_>, process: &Process) -> Result<(), Violation> {
        self.read_what_was_printed(process);
        let meta = incoming::reply(frame.meta)?;
        let mut guard = self.link.state.lock();
        let state = &mut *guard;
        if is_judged(state.verdict.as_ref(), frame.stream) {
            return Ok(());
        }
        let size = match frame.body {
            Body::Inline(bytes) => bytes.len() as u64,
            Body::Shared(place) => place.size,
        };
        if size > RESPONSE_BODY_BYTES_MAX {
            drop(guard);
            let reason = incoming::too_large(size);
            self.link.condemn(Some(frame.stream), AttemptOutcome::BadResponse, reason);
            return Ok(());
        }
        let unknown = || Violation(format!("a REPLY for stream {}, which is not open", frame.stream));
        let call = self.link.close(state, frame.stream).ok_or_else(unknown)?;
        drop(guard);
        let body = match frame.body {
            Body::Inline(bytes) => ReplyBody::Here(Bytes::copy_from_slice(bytes)),
            Body::Shared(place) => ReplyBody::Shared(place),
        };
        let is_awaited = call.answer.as_ref().is_some_and(|answer| !answer.is_closed());
        let must_release = call.must_release || matches!(body, ReplyBody::Shared(_));
        if must_release && !(is_awaited && matches!(body, ReplyBody::Shared(_))) {
            let _ = self.link.send(Kind::Release, frame.stream, Body::Inline(&[]), |_| {});
        }
        let answer = match meta.batch {
            Some(replies) => Answer::Batch(replies, body),
            None => {
                let content_type = meta.content_type.into_owned();
                let reply = Reply { status: meta.status, content_type, headers: meta.headers.0, body: Bytes::new() };
                Answer::Reply(reply, body)
            }
        };
        call.end(answer, Duration::from_micros(meta.user_us));
        self.after_call(is_awaited);
        Ok(())
    }

    fn error(&mut self, frame: Frame<'_>, process: &Process) -> Result<(), Violation> {
        self.read_what_was_printed(process);
        let failure: Failure = incoming::read("ERROR", frame.meta)?;
        if self.link.has_memory_limit() && failure.kind == "MemoryError" {
            // The backstop was met: an allocation far over the limit, refused at once.
            self.keep_traceback(frame.stream, &failure);
            self.link.condemn(Some(frame.stream), AttemptOutcome::OutOfMemory, self.link.memory_reason());
            return Ok(());
        }
        let mut guard = self.link.state.lock();
        let state = &mut *guard;
        if is_judged(state.verdict.as_ref(), frame.stream) {
            return Ok(());
        }
        let unknown = || Violation(format!("an ERROR for stream {}, which is not open", frame.stream));
        let mut call = self.link.close(state, frame.stream).ok_or_else(unknown)?;
        drop(guard);
        if call.must_release {
            let _ = self.link.send(Kind::Release, frame.stream, Body::Inline(&[]), |_| {});
        }
        if !failure.traceback.is_empty() {
            call.logs.push_last(LogLevel::Error, failure.traceback.trim_end());
        }
        let is_awaited = call.answer.is_some();
        let status = if (400..=599).contains(&failure.status) { failure.status } else { 500 };
        call.end(Answer::Raised(failure.line(), status), Duration::from_micros(failure.user_us));
        self.after_call(is_awaited);
        Ok(())
    }

    fn keep_traceback(&self, stream: u32, failure: &Failure) {
        if let Some(call) = self.link.state.lock().calls.get_mut(&stream) {
            call.logs.push_last(LogLevel::Error, failure.traceback.trim_end());
        }
    }

    fn after_call(&self, is_awaited: bool) {
        let is_unfit = !is_awaited || self.link.gone.is_cancelled();
        if is_unfit && !self.is_stopping {
            self.link.end_if_unneeded();
        }
    }

    /// A call of another function by user code.
    fn call(&mut self, frame: Frame<'_>) -> Result<(), Violation> {
        let meta: CallMeta = incoming::read("CALL", frame.meta)?;
        let stream = frame.stream;
        {
            let mut state = self.link.state.lock();
            let unknown = || Violation(format!("a CALL for stream {stream}, which is not open"));
            let call = state.calls.get_mut(&stream).ok_or_else(unknown)?;
            call.must_release |= matches!(frame.body, Body::Shared(_));
        }
        let body = match frame.body {
            Body::Inline(bytes) => Bytes::copy_from_slice(bytes),
            Body::Shared(place) if place.size > RESPONSE_BODY_BYTES_MAX => {
                return Err(Violation(format!("a CALL with {} bytes of body", place.size)));
            }
            Body::Shared(place) => {
                let read = self.link.read_body(place);
                read.map(Bytes::from).map_err(|_| Violation("a CALL whose body is not in shared memory".to_owned()))?
            }
        };
        let number = meta.call;
        let request = match meta.function.parse::<FunctionName>() {
            Ok(function) => Ok(self.request(function, meta, body)),
            Err(error) => Err(error.to_string()),
        };
        let is_too_many = self.host_calls.len() >= HOST_CALLS_MAX;
        let (link, host) = (self.link.clone(), self.owner.host.clone());
        self.host_calls.spawn(async move {
            let result = match request {
                Ok(_) if is_too_many => Err(format!("more than {HOST_CALLS_MAX} calls of functions at once")),
                Ok(request) => host.call_function(request).await,
                Err(reason) => Err(reason),
            };
            called(&link, stream, number, result);
        });
        Ok(())
    }

    fn request(&self, function: FunctionName, meta: CallMeta, body: Bytes) -> CallRequest {
        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        let headers = meta.headers.0.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let event = Event {
            time: now(),
            trigger: TriggerLabel { kind: "function".to_owned(), name: self.owner.function.name.to_string() },
            method: or(meta.method, "POST"),
            path: or(meta.path, "/"),
            headers,
            content_type: meta.content_type,
            body,
            ..Event::default()
        };
        CallRequest { caller: self.owner.function.clone(), function, event }
    }

    fn read_pipe(&mut self, process: &Process, output: Output) {
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
    fn read_what_was_printed(&mut self, process: &Process) {
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
    fn log(
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
    fn trace(&self, message: &str, when: &str) {
        let message = super::cut_text(message, 1024);
        tracing::debug!(function = %self.owner.function, worker = %self.link.worker, message, "{when}");
    }

    /// The process has ended.
    async fn finish(mut self, mut decoder: Decoder, process: Process) {
        while self.is_socket_open {
            let buffer = decoder.buffer();
            buffer.reserve(TURN_BYTES);
            // Past the runtime's bookkeeping: what was sent before the end is there, whether or not it was announced.
            match rustix::io::read(&self.link.stream, rustix::buffer::spare_capacity(buffer)) {
                Ok(read) if read > 0 => self.take_frames(&mut decoder, &process),
                Ok(_) | Err(_) => self.is_socket_open = false,
            }
        }
        self.link.leave();
        self.read_what_was_printed(&process);
        let status = process.reap();
        self.host_calls.shutdown().await;
        let end = match &status {
            Ok(status) => how_it_ended(*status),
            Err(_) => "ended".to_owned(),
        };
        self.end_launch(&end, status.as_ref().ok());
        self.end_calls(&end);
        self.link.over.cancel();
    }

    fn end_launch(&mut self, end: &str, status: Option<&ExitStatus>) {
        let Some(ready) = self.ready.take() else { return };
        let logs = std::mem::take(&mut self.launch_logs);
        let verdict = self.link.state.lock().verdict.clone();
        let reason = match (self.failed.take(), verdict) {
            (Some(failure), _) => {
                let (line, traceback) = (failure.line(), failure.traceback.trim());
                if traceback.is_empty() { line } else { format!("{line}\n{traceback}") }
            }
            (None, Some(verdict)) => verdict.reason,
            (None, None) if self.link.has_memory_limit() && logs.tells_of_memory() => self.link.memory_reason(),
            (None, None) => {
                let hint = logs.last_message().map(|line| format!(": {}", super::cut_text(line, 300)));
                let hint = hint.filter(|_| status.is_none_or(|status| !status.success())).unwrap_or_default();
                format!("the worker {end} before it was ready{hint}")
            }
        };
        // The launch may have been given up.
        let _ = ready.send(Err(LaunchFailure { reason, logs: logs.into_lines() }));
    }

    fn end_calls(&mut self, end: &str) {
        let (calls, verdict) = {
            let mut state = self.link.state.lock();
            state.phase = Phase::Over;
            (std::mem::take(&mut state.calls), state.verdict.clone())
        };
        if verdict.is_none() && calls.is_empty() && !self.is_stopping && self.was_ready {
            tracing::warn!(function = %self.owner.function, worker = %self.link.worker, "worker {end} while it was idle");
        }
        for (stream, call) in calls {
            let (outcome, reason) = match &verdict {
                Some(verdict) if verdict.stream.is_none_or(|judged| judged == stream) => {
                    (verdict.outcome, verdict.reason.clone())
                }
                Some(_) => {
                    let reason = "the worker was ended because of another call that it was running";
                    (AttemptOutcome::Interrupted, reason.to_owned())
                }
                None if self.link.has_memory_limit() && call.logs.tells_of_memory() => {
                    (AttemptOutcome::OutOfMemory, self.link.memory_reason())
                }
                None => {
                    let hint = call.logs.last_message().map(|line| format!("; its last line was: {}", one_line(line)));
                    (AttemptOutcome::Crashed, format!("the worker {end}{}", hint.unwrap_or_default()))
                }
            };
            call.end(Answer::Broken(outcome, reason), Duration::ZERO);
        }
    }
}

fn is_judged(verdict: Option<&Verdict>, stream: u32) -> bool {
    verdict.is_some_and(|verdict| verdict.stream.is_none_or(|judged| judged == stream))
}

fn level(output: Output) -> LogLevel {
    if output == Output::Out { LogLevel::Info } else { LogLevel::Warn }
}

fn one_line(text: &str) -> String {
    super::cut_text(text.trim().lines().last().unwrap_or(""), 300)
}

/// Sends the answer to a `CALL`.
fn called(link: &Link, stream: u32, number: u64, result: Result<Reply, String>) {
    let failed = |reason: &str| {
        let meta = serde_json::json!({"call": number, "error": reason});
        let _ = link.send(Kind::Called, stream, Body::Inline(&[]), |out| outgoing::seldom(out, &meta));
    };
    let reply = match result {
        Ok(reply) => reply,
        Err(reason) => return failed(&super::cut_text(&reason, 4096)),
    };
    let body = if reply.body.len() > INLINE_BODY_BYTES_MAX {
        let Some(place) = link.reserve(stream, reply.body.len() as u64) else { return };
        if link.write_body(place, &[&reply.body]).is_err() {
            return failed("the response could not be handed over: shared memory is full");
        }
        Body::Shared(place)
    } else {
        Body::Inline(&reply.body)
    };
    let sent = link.send(Kind::Called, stream, body, |out| {
        out.extend_from_slice(format!("{{\"call\":{number},\"status\":{},\"headers\":", reply.status).as_bytes());
        outgoing::headers(out, &reply.headers);
        out.extend_from_slice(b",\"content_type\":");
        outgoing::string(out, &reply.content_type);
        out.push(b'}');
    });
    if sent.is_err() {
        failed("the response's headers are too large to hand over");
    }
}
