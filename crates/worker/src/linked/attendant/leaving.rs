//! What user code leaves behind while it runs: `SEND` and the worker's `STATE`.

use std::time::Duration;

use bytes::Bytes;
use tidemill_core::ports::Message;

use super::Attendant;
use crate::{
    linked::left::Left,
    protocol::{
        frame::{Body, Frame, Violation},
        incoming::{self, SendMeta},
    },
};

impl Attendant {
    /// A message to another function.
    pub(super) fn send(&mut self, frame: Frame<'_>) -> Result<(), Violation> {
        let meta: SendMeta = incoming::read("SEND", frame.meta)?;
        let texts = frame.meta.len() as u64;
        let admits = |left: &mut Left, body: u64| left.admits_message(texts.saturating_add(body));
        let Some(body) = self.admitted(frame, "SEND", admits)? else { return Ok(()) };
        let headers = meta.headers.0.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let message = Message {
            function: meta.function,
            key: meta.key,
            headers,
            content_type: meta.content_type,
            body,
            delay: Duration::from_millis(meta.delay_ms),
        };
        self.leave_behind(frame.stream, |left| left.message(message));
        Ok(())
    }

    /// The new state.
    pub(super) fn new_state(&mut self, frame: Frame<'_>) -> Result<(), Violation> {
        let Some(state) = self.admitted(frame, "STATE", Left::admits_state)? else { return Ok(()) };
        self.leave_behind(frame.stream, |left| left.state(state));
        Ok(())
    }

    /// The body of a frame when its call may leave so much behind.
    fn admitted(
        &self,
        frame: Frame<'_>,
        what: &str,
        admits: impl FnOnce(&mut Left, u64) -> bool,
    ) -> Result<Option<Bytes>, Violation> {
        let size = match frame.body {
            Body::Inline(bytes) => bytes.len() as u64,
            Body::Shared(place) => place.size,
        };
        {
            let mut state = self.link.state.lock();
            let unknown = || Violation(format!("a {what} for stream {}, which is not open", frame.stream));
            let call = state.calls.get_mut(&frame.stream).ok_or_else(unknown)?;
            call.must_release |= matches!(frame.body, Body::Shared(_));
            if !admits(&mut call.left, size) {
                return Ok(None);
            }
        }
        match frame.body {
            Body::Inline(bytes) => Ok(Some(Bytes::copy_from_slice(bytes))),
            Body::Shared(place) => {
                let missing = |_| Violation(format!("a {what} whose body is not in shared memory"));
                self.link.read_body(place).map(|bytes| Some(Bytes::from(bytes))).map_err(missing)
            }
        }
    }

    fn leave_behind(&self, stream: u32, leave: impl FnOnce(&mut Left)) {
        if let Some(call) = self.link.state.lock().calls.get_mut(&stream) {
            leave(&mut call.left);
        }
    }
}
