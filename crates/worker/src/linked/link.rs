//! What the parties around one worker share: the socket, the memory files, the open calls, and how it is to end.
//!
//! Sending is done by whoever has something to send, under a short lock and without a hop through a task; only what the
//! socket does not take at once is left to the attendant. Phases go one way:
//!
//! ```text
//! launching ──► running ──► leaving (unfit or drained: open calls go on, no new ones) ──► over
//! ```

use std::{
    collections::BTreeMap,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::Instant,
};

use parking_lot::Mutex;
use rustix::fs::fstat;
use tidemill_core::{InvocationId, invocation::AttemptOutcome, ports::WorkerId};
use tokio::{
    net::UnixStream,
    sync::{mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;

use super::{
    introduction::Connection,
    left::Left,
    open_call::{Answered, OpenCall, Verdict},
    vessel::Leash,
};
use crate::{
    logs::LogBuffer,
    protocol::{
        arena::{self, Regions},
        frame::{Body, Kind, Place, encode},
    },
    words,
};

/// Where a worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Launching,
    Running,
    Leaving,
    Over,
}

/// What the attendant is asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    /// Send the rest that the socket did not take.
    Flush,
    /// Drain, and end the worker by force when `until` has passed.
    Stop { until: Instant },
    /// A cancelled or abandoned call is still open in the worker.
    AwaitCancelled,
}

pub(crate) struct State {
    pub phase: Phase,
    pub calls: BTreeMap<u32, OpenCall>,
    pub verdict: Option<Verdict>,
    /// With one slot the worker runs its calls in the order they were opened.
    pub slots: u32,
    /// With one slot: when the last call ended, so that the next one began then at the earliest.
    pub freed_at: Option<Instant>,
    next_stream: u32,
    regions: Regions,
    /// Bytes that the socket has not taken yet.
    unsent: Vec<u8>,
    scratch: Vec<u8>,
}

/// See the module.
pub(crate) struct Link {
    pub worker: WorkerId,
    pub stream: UnixStream,
    pub leash: Arc<dyn Leash>,
    pub state: Mutex<State>,
    pub requests: mpsc::UnboundedSender<Request>,
    /// It takes no more calls.
    pub gone: CancellationToken,
    /// Its vessel has ended and every call has its end.
    pub over: CancellationToken,
    to_worker: OwnedFd,
    from_worker: OwnedFd,
    memory_limit: Option<u64>,
}

/// What [`Link::open`] gives.
pub(crate) struct Opened {
    pub stream: u32,
    pub answered: oneshot::Receiver<Answered>,
    /// Where the body is to be written, when it is too large for a frame.
    pub place: Option<Place>,
}

/// A frame larger than the protocol allows.
#[derive(Debug)]
pub(crate) struct TooLarge;

impl Link {
    pub fn new(
        worker: WorkerId,
        connection: Connection,
        leash: Arc<dyn Leash>,
        memory_limit: Option<u64>,
        requests: mpsc::UnboundedSender<Request>,
    ) -> Link {
        let state = State {
            phase: Phase::Launching,
            calls: BTreeMap::new(),
            verdict: None,
            slots: 1,
            freed_at: None,
            next_stream: 1,
            regions: Regions::default(),
            unsent: Vec::new(),
            scratch: Vec::new(),
        };
        let Connection { stream, to_worker, from_worker } = connection;
        Link {
            worker,
            stream,
            leash,
            state: Mutex::new(state),
            requests,
            gone: CancellationToken::new(),
            over: CancellationToken::new(),
            to_worker,
            from_worker,
            memory_limit,
        }
    }

    /// Makes room for a call. `None` when the worker takes no more.
    pub fn open(&self, invocation: InvocationId, has_state: bool, shared_bytes: Option<u64>) -> Option<Opened> {
        let mut state = self.state.lock();
        if state.phase != Phase::Running {
            return None;
        }
        let stream = state.next_stream;
        state.next_stream = stream.checked_add(1).unwrap_or(1);
        let place = shared_bytes.map(|size| state.regions.take(size));
        let (sender, answered) = oneshot::channel();
        let call = OpenCall {
            invocation,
            started: Instant::now(),
            answer: Some(sender),
            logs: LogBuffer::default(),
            left: Left::new(has_state),
            regions: place.into_iter().collect(),
            must_release: false,
        };
        state.calls.insert(stream, call);
        Some(Opened { stream, answered, place })
    }

    /// Takes a call out of the open ones, and its shared memory back.
    pub fn close(&self, state: &mut State, stream: u32) -> Option<OpenCall> {
        let call = state.calls.remove(&stream)?;
        if state.slots == 1 {
            state.freed_at = Some(Instant::now());
        }
        for place in &call.regions {
            self.give_back(state, *place);
        }
        Some(call)
    }

    fn give_back(&self, state: &mut State, place: Place) {
        if state.regions.give_back(place) {
            // It only stays larger for longer.
            let _ = arena::cut(&self.to_worker);
        }
    }

    /// Room for a body that belongs to an open call; `None` when that call is over.
    pub fn reserve(&self, stream: u32, size: u64) -> Option<Place> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let call = state.calls.get_mut(&stream)?;
        let place = state.regions.take(size);
        call.regions.push(place);
        Some(place)
    }

    /// Writes a body for the worker.
    pub fn write_body(&self, place: Place, parts: &[&[u8]]) -> io::Result<()> {
        let mut offset = place.offset;
        for part in parts {
            arena::write_at(&self.to_worker, part, offset)?;
            offset += part.len() as u64;
        }
        Ok(())
    }

    /// Reads a body from the worker.
    pub fn read_body(&self, place: Place) -> io::Result<Vec<u8>> {
        arena::read_at(&self.from_worker, place)
    }

    /// Sends a frame, or leaves it to the attendant when the socket is full.
    pub fn send(
        &self,
        kind: Kind,
        stream: u32,
        body: Body<'_>,
        meta: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), TooLarge> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if !state.unsent.is_empty() {
            return if encode(&mut state.unsent, kind, stream, body, meta) { Ok(()) } else { Err(TooLarge) };
        }
        state.scratch.clear();
        if !encode(&mut state.scratch, kind, stream, body, meta) {
            return Err(TooLarge);
        }
        let sent = match self.stream.try_write(&state.scratch) {
            Ok(sent) => sent,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            // The other end is closed: the attendant sees that too, and ends the calls.
            Err(_) => return Ok(()),
        };
        if sent < state.scratch.len() {
            state.unsent.extend_from_slice(&state.scratch[sent..]);
            let _ = self.requests.send(Request::Flush);
        }
        if state.scratch.capacity() > KEPT_BYTES_MAX {
            state.scratch = Vec::new();
        }
        Ok(())
    }

    /// Sends more of what the socket did not take. Whether some is left.
    pub fn flush(&self) -> bool {
        let mut state = self.state.lock();
        while !state.unsent.is_empty() {
            match self.stream.try_write(&state.unsent) {
                Ok(sent) => drop(state.unsent.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(_) => state.unsent.clear(),
            }
        }
        state.unsent.shrink_to(KEPT_BYTES_MAX);
        false
    }

    /// Whether something waits for the socket.
    pub fn has_unsent(&self) -> bool {
        !self.state.lock().unsent.is_empty()
    }

    /// It takes no more calls from now on.
    pub fn leave(&self) {
        self.leave_locked(&mut self.state.lock());
    }

    pub fn leave_locked(&self, state: &mut State) {
        state.phase = state.phase.max(Phase::Leaving);
        self.gone.cancel();
    }

    /// Ends the worker by force. The first verdict counts.
    pub fn condemn(&self, stream: Option<u32>, outcome: AttemptOutcome, reason: impl Into<String>) {
        let mut state = self.state.lock();
        state.verdict.get_or_insert_with(|| Verdict { stream, outcome, reason: reason.into() });
        self.leave_locked(&mut state);
        drop(state);
        self.leash.kill();
    }

    /// Gives up a call whose caller has left. The worker is unfit for more, and is ended when nobody needs it.
    pub fn abandon(&self, stream: u32) {
        let mut state = self.state.lock();
        let Some(call) = state.calls.get_mut(&stream) else { return };
        call.answer = None;
        self.leave_locked(&mut state);
        drop(state);
        let _ = self.send(Kind::Cancel, stream, Body::Inline(&[]), |out| {
            out.extend_from_slice(b"{\"reason\":\"abandoned\"}");
        });
        self.end_if_unneeded();
    }

    /// Ends a worker that is leaving by nobody's request as soon as nobody waits for a call of it.
    pub fn end_if_unneeded(&self) {
        let is_unneeded = {
            let state = self.state.lock();
            state.phase == Phase::Leaving && state.calls.values().all(|call| call.answer.is_none())
        };
        if is_unneeded {
            self.condemn(None, AttemptOutcome::Interrupted, "the worker was ended");
        }
    }

    /// Whether it does something on behalf of a function now.
    pub fn is_busy(&self) -> bool {
        let state = self.state.lock();
        state.phase == Phase::Launching || !state.calls.is_empty()
    }

    /// Ends the worker if it is seen to use more than its limit.
    pub fn check_memory(&self) {
        let Some((limit, used)) = self.memory_limit.zip(self.leash.resident_bytes()) else { return };
        let file = fstat(self.from_worker.as_fd()).map_or(0, |stat| stat.st_blocks.max(0) as u64 * 512);
        if used.saturating_add(file) > limit {
            self.condemn(None, AttemptOutcome::OutOfMemory, self.memory_reason());
        }
    }

    /// The memory limit, when there is one.
    pub fn has_memory_limit(&self) -> bool {
        self.memory_limit.is_some()
    }

    /// Why a worker that met its limit was ended.
    pub fn memory_reason(&self) -> String {
        words::memory_reason(self.memory_limit.unwrap_or(0))
    }
}

/// What an idle worker's buffers keep.
const KEPT_BYTES_MAX: usize = 256 * 1024;
