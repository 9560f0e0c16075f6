//! Calls of other functions by user code: `CALL` and `CALLED`.

use bytes::Bytes;
use tidemill_core::{
    Event, FunctionName, TriggerLabel,
    invocation::Reply,
    limits::{INLINE_BODY_BYTES_MAX, RESPONSE_BODY_BYTES_MAX},
    ports::CallRequest,
};

use super::Attendant;
use crate::{
    linked::link::Link,
    logs::{cut_text, now},
    protocol::{
        frame::{Body, Frame, Kind, Violation},
        incoming::{self, CallMeta},
        outgoing,
    },
};

/// Calls of other functions that one worker may have open.
const HOST_CALLS_MAX: usize = 256;

impl Attendant {
    /// A call of another function by user code.
    pub(super) fn call(&mut self, frame: Frame<'_>) -> Result<(), Violation> {
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
}

/// Sends the answer to a `CALL`.
fn called(link: &Link, stream: u32, number: u64, result: Result<Reply, String>) {
    let failed = |reason: &str| {
        let meta = serde_json::json!({"call": number, "error": reason});
        let _ = link.send(Kind::Called, stream, Body::Inline(&[]), |out| outgoing::seldom(out, &meta));
    };
    let reply = match result {
        Ok(reply) => reply,
        Err(reason) => return failed(&cut_text(&reason, 4096)),
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
