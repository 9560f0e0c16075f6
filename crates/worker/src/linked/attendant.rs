//! The task that attends to one worker for all its life.
//!
//! It reads the socket and what is printed, hands answers to those who wait for them, writes what the socket did not take, and
//! when the vessel has ended ends the calls that are left. It never waits for anybody else, so endless output or a
//! slow caller cannot hold up anything.

mod answers;
mod ending;
mod host_calls;
mod leaving;
mod output;

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tidemill_core::{
    FunctionRef, Timestamp,
    invocation::{AttemptOutcome, LogLevel, LogLine},
    ports::Host,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::sleep_until,
};

use super::{
    link::{Link, Phase, Request},
    open_call::Verdict,
    vessel::{Happening, Vessel},
};
use crate::{
    logs::{LineSplitter, LogBuffer, now},
    protocol::{
        frame::{Body, Decoder, Frame, Kind, Violation},
        incoming::{self, Failure, Log, Ready},
    },
};

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
            force_at: None,
            is_stopping: false,
            was_asked: false,
            cancelled_until: None,
        }
    }

    /// Attends to the worker in `vessel` until it is gone.
    pub async fn run(mut self, mut vessel: impl Vessel) {
        let mut decoder = Decoder::default();
        let link = self.link.clone();
        loop {
            let deadline = [self.force_at, self.cancelled_until].into_iter().flatten().min();
            tokio::select! {
                ready = link.stream.readable(), if self.is_socket_open => {
                    if ready.is_ok() {
                        self.read_socket(&mut decoder, &mut vessel);
                    }
                }
                happening = vessel.next() => match happening {
                    Happening::Printed(output, bytes) => self.printed(output, &bytes),
                    Happening::Ended => break,
                },
                Some(request) = self.requests.recv() => self.take_request(request),
                _ = link.stream.writable(), if self.is_socket_open && link.has_unsent() => { link.flush(); }
                Some(_) = self.host_calls.join_next() => {}
                () = sleep_until(deadline.unwrap_or_else(Instant::now).into()), if deadline.is_some() => self.overdue(),
            }
        }
        self.finish(decoder, vessel).await;
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
            self.force_at = Some(now + self.link.leash.leaving_grace());
            let verdict = Verdict { stream: None, outcome: AttemptOutcome::Interrupted, reason: reason.to_owned() };
            self.link.state.lock().verdict.get_or_insert(verdict);
            self.link.leash.terminate();
        }
    }

    fn read_socket(&mut self, decoder: &mut Decoder, vessel: &mut impl Vessel) {
        let buffer = decoder.buffer();
        buffer.reserve(TURN_BYTES);
        match self.link.stream.try_read_buf(buffer) {
            Ok(0) => self.socket_closed(),
            Ok(_) => self.take_frames(decoder, vessel),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.socket_closed(),
        }
    }

    fn socket_closed(&mut self) {
        self.is_socket_open = false;
        self.link.leave();
        self.force_at = Some(Instant::now() + self.link.leash.leaving_grace());
    }

    fn take_frames(&mut self, decoder: &mut Decoder, vessel: &mut impl Vessel) {
        let taken = loop {
            match decoder.next() {
                Ok(Some(frame)) => {
                    if let Err(violation) = self.take_frame(frame, vessel) {
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

    fn take_frame(&mut self, frame: Frame<'_>, vessel: &mut impl Vessel) -> Result<(), Violation> {
        match frame.kind {
            Kind::Reply => self.reply(frame, vessel),
            Kind::Log => {
                let log: Log = incoming::read("LOG", frame.meta)?;
                let fields = log.fields.filter(|fields| !fields.is_empty()).map(serde_json::Value::Object);
                let fields = fields.map(|fields| (fields, frame.meta.len().saturating_sub(log.message.len())));
                let time = if log.time_us > 0 { Timestamp(log.time_us) } else { now() };
                self.log(frame.stream, time, LogLevel::parse(&log.level), &log.message, fields);
                Ok(())
            }
            Kind::Error => self.error(frame, vessel),
            Kind::Call => self.call(frame),
            Kind::Send => self.send(frame),
            Kind::NewState => self.new_state(frame),
            Kind::Ready => self.become_ready(incoming::read("READY", frame.meta)?),
            Kind::Failed if self.ready.is_some() => {
                self.failed = Some(incoming::read("FAILED", frame.meta)?);
                self.force_at = Some(Instant::now() + self.link.leash.leaving_grace());
                Ok(())
            }
            Kind::Failed => Err(Violation("FAILED after READY".to_owned())),
            Kind::Hello | Kind::Event | Kind::Cancel | Kind::Drain | Kind::Release | Kind::Called | Kind::State => {
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
}
