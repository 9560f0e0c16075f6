//! A linked worker as the engine sees it.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use tidemill_core::{
    Event, InvocationId, configs,
    invocation::{AttemptOutcome, LogLine, Reply},
    limits::INLINE_BODY_BYTES_MAX,
    ports::{Call, CallEnd, CallOutcome, Place as WorkerPlace, Worker, WorkerId},
};

use super::{
    left::Left,
    link::{Link, Opened, Phase, Request},
    open_call::{Answer, Answered, ReplyBody},
};
use crate::{
    protocol::{
        frame::{Body, Kind, Place},
        incoming::{self, BatchReply},
        outgoing,
    },
    words::{human_duration, memory_reason},
};

/// Calls that may wait in the socket of a busy worker.
const AHEAD_MAX: u32 = 8;
/// Bodies from this size on are copied on a thread that may block.
const LONG_COPY_BYTES: u64 = 1024 * 1024;

/// A worker that has become ready. Dropping it ends it by force.
pub(crate) struct LinkedWorker {
    link: Arc<Link>,
    slots: u32,
    place: WorkerPlace,
}

impl LinkedWorker {
    pub fn new(link: Arc<Link>, slots: u32, place: WorkerPlace) -> LinkedWorker {
        link.state.lock().slots = slots;
        LinkedWorker { link, slots, place }
    }

    async fn hand_over(&self, call: &Call, opened: &Opened) -> Result<(), CallOutcome> {
        if let Some(state) = &call.state {
            self.hand_over_state(opened.stream, state).await?;
        }
        if let Some(place) = opened.place {
            let bodies = call.events.iter().map(|event| event.body.clone()).collect();
            self.write_bodies(bodies, place).await.map_err(|error| not_handed_over("event's body", &error))?;
        }
        let joined: Vec<u8>;
        let body = match (opened.place, call.events.as_slice()) {
            (Some(place), _) => Body::Shared(place),
            (None, [event]) => Body::Inline(&event.body),
            (None, events) => {
                joined = events.iter().flat_map(|event| event.body.iter().copied()).collect();
                Body::Inline(&joined)
            }
        };
        let sent = self.link.send(Kind::Event, opened.stream, body, |out| match call.events.as_slice() {
            [event] if !call.is_batch => outgoing::event(out, call, event),
            _ => outgoing::batch(out, call),
        });
        sent.map_err(|_| CallOutcome::Raised {
            message: "the event's headers are larger than 16 MiB".to_owned(),
            status: 431,
        })
    }

    /// Sends the state that the call on `stream` begins with.
    async fn hand_over_state(&self, stream: u32, state: &Bytes) -> Result<(), CallOutcome> {
        let large = state.len() > INLINE_BODY_BYTES_MAX;
        let place = if large { self.link.reserve(stream, state.len() as u64) } else { None };
        let body = match place {
            Some(place) => {
                let written = self.write_bodies(vec![state.clone()], place).await;
                written.map_err(|error| not_handed_over("state", &error))?;
                Body::Shared(place)
            }
            None => Body::Inline(state),
        };
        self.link.send(Kind::State, stream, body, |_| {}).map_err(|_| {
            // A state is stored only within its limit, which fits into a frame.
            not_handed_over("state", &io::Error::from(io::ErrorKind::FileTooLarge))
        })
    }

    async fn write_bodies(&self, bodies: Vec<Bytes>, place: Place) -> io::Result<()> {
        let link = self.link.clone();
        let write = move || {
            let parts: Vec<&[u8]> = bodies.iter().map(Bytes::as_ref).collect();
            link.write_body(place, &parts)
        };
        if place.size < LONG_COPY_BYTES { write() } else { long_copy(write).await }
    }

    async fn fetch(&self, stream: u32, body: ReplyBody) -> Result<Bytes, String> {
        let place = match body {
            ReplyBody::Here(bytes) => return Ok(bytes),
            ReplyBody::Shared(place) => place,
        };
        let link = self.link.clone();
        let read = move || link.read_body(place);
        let bytes = if place.size < LONG_COPY_BYTES { read() } else { long_copy(read).await };
        let _ = self.link.send(Kind::Release, stream, Body::Inline(&[]), |_| {});
        bytes
            .map(Bytes::from)
            .map_err(|_| "the worker broke the protocol: the response is not in shared memory".to_owned())
    }

    async fn outcome(&self, stream: u32, call: &Call, answer: Answer) -> CallOutcome {
        let replies = match answer {
            Answer::Raised(message, status) => return CallOutcome::Raised { message, status },
            Answer::Broken(outcome, reason) => return CallOutcome::Broken { outcome, reason },
            Answer::Reply(mut reply, body) => match self.fetch(stream, body).await {
                Ok(bytes) => {
                    reply.body = bytes;
                    let is_fit = call.events.len() == 1;
                    if is_fit { Ok(vec![reply]) } else { Err("a batch was answered by a single response".to_owned()) }
                }
                Err(reason) => Err(reason),
            },
            Answer::Batch(replies, body) => match self.fetch(stream, body).await {
                Ok(bytes) => assemble(&call.events, replies, &bytes),
                Err(reason) => Err(reason),
            },
        };
        let checked =
            replies.and_then(|replies| replies.into_iter().map(incoming::check).collect::<Result<Vec<_>, _>>());
        match checked {
            Ok(replies) => CallOutcome::Replied(replies),
            Err(reason) => {
                self.link.condemn(Some(stream), AttemptOutcome::BadResponse, reason.clone());
                CallOutcome::Broken { outcome: AttemptOutcome::BadResponse, reason }
            }
        }
    }

    async fn end(&self, stream: u32, call: &Call, answered: Option<Answered>) -> CallEnd {
        match answered {
            Some(Answered { answer, logs, user_code, left }) => {
                let outcome = self.outcome(stream, call, answer).await;
                let mut end = CallEnd::new(outcome, logs, user_code);
                if matches!(end.outcome, CallOutcome::Replied(_)) {
                    match left.finish() {
                        Ok((state, sends)) => (end.state, end.sends) = (state, sends),
                        Err(reason) => {
                            end.outcome = CallOutcome::Broken { outcome: AttemptOutcome::BadResponse, reason };
                        }
                    }
                }
                end
            }
            None => ended(AttemptOutcome::Crashed, "the worker ended", Vec::new()),
        }
    }
}

impl LinkedWorker {
    /// Looks at what the call that began at `begun` has done to the worker. One that is unfit for more takes no more.
    fn judge(&self, end: &mut CallEnd, begun: Instant) {
        let is_broken = matches!(end.outcome, CallOutcome::Broken { .. });
        let limit = if is_broken { None } else { self.link.leash.broken_memory_limit() };
        if let Some(limit) = limit {
            // The worker outlived it, but not all that it had started for this call did.
            let (outcome, reason) = (AttemptOutcome::OutOfMemory, memory_reason(limit));
            self.link.condemn(None, outcome, reason.clone());
            (end.state, end.sends) = (None, Vec::new());
            end.outcome = CallOutcome::Broken { outcome, reason };
        }
        if matches!(end.outcome, CallOutcome::Replied(_)) || !self.is_alive() {
            return;
        }
        // With others under way nobody can say whose the processes are.
        let is_alone = self.slots == 1 || self.link.state.lock().calls.is_empty();
        if self.link.leash.has_leftovers(is_alone.then_some(begun)) {
            self.link.leave();
            self.link.end_if_unneeded();
        }
    }
}

/// Runs a blocking copy. A copy that panicked counts as failed.
async fn long_copy<T: Send + 'static>(copy: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(copy).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn not_handed_over(what: &str, error: &io::Error) -> CallOutcome {
    let reason = format!("the {what} could not be handed over: {error}");
    CallOutcome::Broken { outcome: AttemptOutcome::Interrupted, reason }
}

fn ended(outcome: AttemptOutcome, reason: &str, logs: Vec<LogLine>) -> CallEnd {
    let outcome = CallOutcome::Broken { outcome, reason: reason.to_owned() };
    CallEnd::new(outcome, logs, Duration::ZERO)
}

/// Puts the responses of a batch in the order of its events.
fn assemble(events: &[Arc<Event>], replies: Vec<BatchReply>, bytes: &Bytes) -> Result<Vec<Reply>, String> {
    let mut found: Vec<(String, Reply)> = Vec::with_capacity(replies.len());
    let mut at = 0usize;
    for reply in replies {
        let end =
            usize::try_from(reply.size).ok().and_then(|size| at.checked_add(size)).filter(|end| *end <= bytes.len());
        let end = end.ok_or("the sizes of the batch's responses exceed what was sent")?;
        let body = bytes.slice(at..end);
        at = end;
        let headers = reply.headers.0;
        found.push((reply.event_id, Reply { status: reply.status, content_type: reply.content_type, headers, body }));
    }
    let missing = |event: &Event| format!("the handler gave no response for the event {}", event.id);
    events
        .iter()
        .map(|event| {
            let index = found.iter().position(|(id, _)| *id == event.id).ok_or_else(|| missing(event))?;
            Ok(found.remove(index).1)
        })
        .collect()
}

/// A call whose caller may leave at any time.
struct Abandon<'a> {
    link: &'a Link,
    stream: u32,
    is_over: bool,
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.link.abandon(self.stream);
        }
    }
}

#[async_trait]
impl Worker for LinkedWorker {
    fn id(&self) -> &WorkerId {
        &self.link.worker
    }

    fn slots(&self) -> u32 {
        self.slots
    }

    fn ahead_max(&self) -> u32 {
        // Only a worker with one slot handles its events strictly one after the other.
        if self.slots == 1 { AHEAD_MAX } else { 0 }
    }

    async fn call(&self, call: &Call) -> CallEnd {
        if let Err(reason) = configs::check(&call.configs) {
            return ended(AttemptOutcome::LaunchFailed, &reason, Vec::new());
        }
        let size: usize = call.events.iter().map(|event| event.body.len()).sum();
        let shared = (size > INLINE_BODY_BYTES_MAX).then_some(size as u64);
        let Some(mut opened) = self.link.open(call.invocation, call.state.is_some(), shared) else {
            return ended(AttemptOutcome::Interrupted, "the worker was ending when the call reached it", Vec::new());
        };
        let begun = Instant::now();
        let stream = opened.stream;
        let mut abandon = Abandon { link: &self.link, stream, is_over: false };
        if let Err(outcome) = self.hand_over(call, &opened).await {
            self.link.close(&mut self.link.state.lock(), stream);
            if call.state.is_some() {
                // The worker may hold a state for an event that never comes.
                let _ = self.link.send(Kind::Release, stream, Body::Inline(&[]), |_| {});
            }
            abandon.is_over = true;
            return CallEnd::new(outcome, Vec::new(), Duration::ZERO);
        }
        let answered = match call.timeout {
            None => (&mut opened.answered).await.ok(),
            Some(timeout) => match tokio::time::timeout(timeout, &mut opened.answered).await {
                Ok(answered) => answered.ok(),
                Err(_) => {
                    let reason = format!("ran longer than its event timeout of {}", human_duration(timeout));
                    self.link.condemn(Some(stream), AttemptOutcome::TimedOut, reason);
                    (&mut opened.answered).await.ok()
                }
            },
        };
        abandon.is_over = true;
        let mut end = self.end(stream, call, answered).await;
        self.judge(&mut end, begun);
        end
    }

    async fn logs_so_far(&self, invocation: InvocationId) -> Option<Vec<LogLine>> {
        let state = self.link.state.lock();
        let call = state.calls.values().find(|call| call.invocation == invocation && call.answer.is_some())?;
        Some(call.logs.lines().to_vec())
    }

    fn place(&self) -> WorkerPlace {
        self.place.clone()
    }

    fn is_alive(&self) -> bool {
        !self.link.gone.is_cancelled()
    }

    async fn gone(&self) {
        self.link.gone.cancelled().await;
    }

    async fn stop(&self, grace: Duration) {
        self.link.leave();
        let now = Instant::now();
        let until = now.checked_add(grace).unwrap_or(now + Duration::from_secs(365 * 86400));
        let _ = self.link.requests.send(Request::Stop { until });
        self.link.over.cancelled().await;
    }

    async fn cancel(&self, invocation: InvocationId) {
        let reason = "it was cancelled";
        let found = {
            let mut state = self.link.state.lock();
            let found = state.calls.iter_mut().find(|(_, call)| call.invocation == invocation && call.answer.is_some());
            found.map(|(stream, call)| {
                let logs = if self.slots > 1 { Some(std::mem::take(&mut call.logs)) } else { None };
                (*stream, logs.and_then(|logs| call.answer.take().map(|answer| (answer, logs, call.started))))
            })
        };
        match found {
            None => {}
            Some((stream, Some((answer, logs, started)))) => {
                let logs = logs.into_lines();
                let answered = Answer::Broken(AttemptOutcome::Cancelled, reason.to_owned());
                let _ = answer.send(Answered {
                    answer: answered,
                    logs,
                    user_code: started.elapsed(),
                    left: Left::default(),
                });
                let _ = self.link.send(Kind::Cancel, stream, Body::Inline(&[]), |out| {
                    out.extend_from_slice(b"{\"reason\":\"cancelled\"}");
                });
                let _ = self.link.requests.send(Request::AwaitCancelled);
            }
            Some((stream, None)) => {
                self.link.condemn(Some(stream), AttemptOutcome::Cancelled, reason);
                self.link.over.cancelled().await;
            }
        }
    }
}

impl Drop for LinkedWorker {
    fn drop(&mut self) {
        if self.link.state.lock().phase != Phase::Over {
            self.link.condemn(None, AttemptOutcome::Interrupted, "the worker was dropped");
        }
    }
}
