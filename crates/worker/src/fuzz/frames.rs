//! Frames and their JSON.

use std::io;

use tidemill_core::{
    Event,
    invocation::Reply,
    ports::{Call, Message},
};

use crate::{
    exchange::check_message,
    protocol::{
        arena,
        frame::{self, Decoder, Kind, Place},
        incoming::{self, CallMeta, Failure, Log, Ready, SendMeta},
        outgoing,
    },
};

/// The body of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// In the frame.
    Inline(Vec<u8>),
    /// In shared memory: offset and size.
    Shared(u64, u64),
}

/// A frame, out of its buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The byte that says what it is.
    pub kind: u8,
    /// The call.
    pub stream: u32,
    /// JSON, as it came.
    pub meta: Vec<u8>,
    /// The body.
    pub body: Body,
}

/// What [`decode`] gives.
#[derive(Debug)]
pub struct Decoded {
    /// The frames up to the end or the first fault.
    pub frames: Vec<Frame>,
    /// What broke the protocol.
    pub violation: Option<String>,
    /// The most bytes that the receive buffer held room for.
    pub held_bytes: usize,
}

/// Takes `bytes` in pieces of `piece_bytes` as a socket would bring them from a worker.
pub fn decode(bytes: &[u8], piece_bytes: usize) -> Decoded {
    let mut decoder = Decoder::default();
    let mut decoded = Decoded { frames: Vec::new(), violation: None, held_bytes: 0 };
    for piece in bytes.chunks(piece_bytes.max(1)) {
        decoder.buffer().extend_from_slice(piece);
        decoded.held_bytes = decoded.held_bytes.max(decoder.buffer().capacity());
        loop {
            match decoder.next() {
                Ok(None) => break,
                Ok(Some(frame)) => decoded.frames.push(owned(frame)),
                Err(violation) => {
                    decoded.violation = Some(violation.to_string());
                    return decoded;
                }
            }
        }
    }
    decoded
}

fn owned(frame: frame::Frame<'_>) -> Frame {
    let body = match frame.body {
        frame::Body::Inline(bytes) => Body::Inline(bytes.to_vec()),
        frame::Body::Shared(place) => Body::Shared(place.offset, place.size),
    };
    Frame { kind: frame.kind as u8, stream: frame.stream, meta: frame.meta.to_vec(), body }
}

/// Writes a frame of a kind that a worker sends. `None` when it is too large or of no such kind.
pub fn encode(frame: &Frame) -> Option<Vec<u8>> {
    use Kind::{Call, Error, Failed, Log, NewState, Ready, Reply, Send};
    let kinds = [Ready, Failed, Reply, Error, Log, Call, Send, NewState];
    let kind = kinds.into_iter().find(|kind| *kind as u8 == frame.kind)?;
    let body = match &frame.body {
        Body::Inline(bytes) => frame::Body::Inline(bytes),
        Body::Shared(offset, size) => frame::Body::Shared(Place { offset: *offset, size: *size }),
    };
    let mut out = Vec::new();
    frame::encode(&mut out, kind, frame.stream, body, |out| out.extend_from_slice(&frame.meta)).then_some(out)
}

/// What the JSON of a frame says.
#[derive(Debug)]
pub enum Said {
    /// `REPLY` of one event, checked, or why it is none.
    Reply(Result<Reply, String>),
    /// `REPLY` of so many events.
    Batch(usize),
    /// `ERROR` or `FAILED`, in one line.
    Failure(String),
    /// `LOG`: its message.
    Log(String),
    /// `SEND`, checked.
    Send(Result<Message, String>),
    /// `CALL`: the function's name.
    Call(String),
    /// `READY`: how many calls at once.
    Ready(u32),
    /// A kind without JSON of its own.
    Nothing,
}

/// Reads the JSON of a frame of `kind`. The error is one line.
///
/// # Errors
/// It is not what the protocol says.
pub fn read_meta(kind: u8, meta: &[u8]) -> Result<Said, String> {
    let said = match kind {
        16 => incoming::read::<Ready>("READY", meta).map(|ready| Said::Ready(ready.slots)),
        17 | 19 => incoming::read::<Failure>("ERROR", meta).map(|failure| Said::Failure(failure.line())),
        18 => incoming::reply(meta).map(|meta| match meta.batch {
            Some(replies) => Said::Batch(replies.len()),
            None => Said::Reply(incoming::check(Reply {
                status: meta.status,
                content_type: meta.content_type.into_owned(),
                headers: meta.headers.0,
                body: bytes::Bytes::new(),
            })),
        }),
        20 => incoming::read::<Log>("LOG", meta).map(|log| Said::Log(log.message)),
        22 => incoming::read::<CallMeta>("CALL", meta).map(|call| Said::Call(call.function)),
        23 => incoming::read::<SendMeta>("SEND", meta).map(|send| {
            Said::Send(check_message(Message {
                function: send.function,
                key: send.key,
                headers: send.headers.0,
                content_type: send.content_type,
                ..Message::default()
            }))
        }),
        _ => Ok(Said::Nothing),
    };
    said.map_err(|violation| violation.to_string())
}

/// The JSON of an `EVENT` of one event.
pub fn event_meta(call: &Call, event: &Event) -> Vec<u8> {
    let mut out = Vec::new();
    outgoing::event(&mut out, call, event);
    out
}

/// The JSON of an `EVENT` of several.
pub fn batch_meta(call: &Call) -> Vec<u8> {
    let mut out = Vec::new();
    outgoing::batch(&mut out, call);
    out
}

/// Reads `size` bytes at `offset` of a memory file that holds `content`.
///
/// # Errors
/// They are not there, or there can be no memory file.
pub fn read_memory(content: &[u8], offset: u64, size: u64) -> io::Result<Vec<u8>> {
    let file = arena::memory_file("fuzz")?;
    arena::write_at(&file, content, 0)?;
    arena::read_at(&file, Place { offset, size })
}
