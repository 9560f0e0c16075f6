//! The ends of calls that a worker sends: `REPLY` and `ERROR`.

use std::time::Duration;

use bytes::Bytes;
use tidemill_core::{
    invocation::{AttemptOutcome, LogLevel, Reply},
    limits::RESPONSE_BODY_BYTES_MAX,
};

use super::Attendant;
use crate::{
    linked::{
        open_call::{Answer, ReplyBody, Verdict},
        vessel::Vessel,
    },
    logs::now,
    protocol::{
        frame::{Body, Frame, Kind, Violation},
        incoming::{self, Failure},
    },
};

impl Attendant {
    pub(super) fn reply(&mut self, frame: Frame<'_>, vessel: &mut impl Vessel) -> Result<(), Violation> {
        self.read_what_was_printed(vessel);
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

    pub(super) fn error(&mut self, frame: Frame<'_>, vessel: &mut impl Vessel) -> Result<(), Violation> {
        self.read_what_was_printed(vessel);
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
            call.logs.push_last(now(), LogLevel::Error, failure.traceback.trim_end());
        }
        let is_awaited = call.answer.is_some();
        let status = if (400..=599).contains(&failure.status) { failure.status } else { 500 };
        call.end(Answer::Raised(failure.line(), status), Duration::from_micros(failure.user_us));
        self.after_call(is_awaited);
        Ok(())
    }

    fn keep_traceback(&self, stream: u32, failure: &Failure) {
        if let Some(call) = self.link.state.lock().calls.get_mut(&stream) {
            call.logs.push_last(now(), LogLevel::Error, failure.traceback.trim_end());
        }
    }

    fn after_call(&self, is_awaited: bool) {
        let is_unfit = !is_awaited || self.link.gone.is_cancelled();
        if is_unfit && !self.is_stopping {
            self.link.end_if_unneeded();
        }
    }
}

fn is_judged(verdict: Option<&Verdict>, stream: u32) -> bool {
    verdict.is_some_and(|verdict| verdict.stream.is_none_or(|judged| judged == stream))
}
