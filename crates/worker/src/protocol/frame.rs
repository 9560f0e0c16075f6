//! Frames: a fixed header of 16 bytes, JSON, bytes.
//!
//! [`Decoder`] takes what the socket brings and gives whole frames. A header that breaks the rules is an error at once,
//! before any of the announced bytes are waited for, so a broken worker cannot make us hold more than one frame.

/// The bytes of a header, the length field included.
pub(crate) const HEADER_BYTES: usize = 16;
/// The largest value of the length field.
pub(crate) const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Flag bit: the body lies in shared memory.
const SHARED: u8 = 1;
/// The header bytes that the length field counts.
const COUNTED_HEADER_BYTES: usize = HEADER_BYTES - 4;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Hello = 1,
    Event = 2,
    Cancel = 3,
    Drain = 4,
    Release = 5,
    Called = 6,
    State = 7,
    Ready = 16,
    Failed = 17,
    Reply = 18,
    Error = 19,
    Log = 20,
    Call = 22,
    Send = 23,
    NewState = 24,
}

impl Kind {
    /// The kinds that a worker sends.
    fn from_worker(byte: u8) -> Option<Kind> {
        use Kind::{Call, Error, Failed, Log, NewState, Ready, Reply, Send};
        [Ready, Failed, Reply, Error, Log, Call, Send, NewState].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A body in shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where it begins.
    pub offset: u64,
    /// Its length in bytes.
    pub size: u64,
}

/// A body as a frame brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body<'a> {
    /// In the frame.
    Inline(&'a [u8]),
    /// In the worker's memory file.
    Shared(Place),
}

/// A frame from a worker, still in the receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub kind: Kind,
    pub stream: u32,
    /// JSON as it came; never empty.
    pub meta: &'a [u8],
    pub body: Body<'a>,
}

/// Appends a frame whose meta is written by `meta` and whose body is `body`.
///
/// Returns whether it fits: a frame over [`FRAME_BYTES_MAX`] is taken back.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    kind: Kind,
    stream: u32,
    body: Body<'_>,
    meta: impl FnOnce(&mut Vec<u8>),
) -> bool {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    meta(out);
    let meta_length = out.len() - start - HEADER_BYTES;
    let flags = match body {
        Body::Inline(bytes) => {
            out.extend_from_slice(bytes);
            0
        }
        Body::Shared(place) => {
            out.extend_from_slice(&place.offset.to_le_bytes());
            out.extend_from_slice(&place.size.to_le_bytes());
            SHARED
        }
    };
    let length = out.len() - start - 4;
    if length > FRAME_BYTES_MAX {
        out.truncate(start);
        return false;
    }
    let header = &mut out[start..start + HEADER_BYTES];
    header[0..4].copy_from_slice(&(length as u32).to_le_bytes());
    header[4] = kind as u8;
    header[5] = flags;
    header[8..12].copy_from_slice(&stream.to_le_bytes());
    header[12..16].copy_from_slice(&(meta_length as u32).to_le_bytes());
    true
}

/// A worker that does not keep to the protocol. One line, to follow "the worker broke the protocol: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Violation(pub String);

/// Cuts what the socket brings into frames.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    buffer: Vec<u8>,
    start: usize,
}

/// What the receive buffer keeps when it is empty.
const KEPT_BYTES_MAX: usize = 256 * 1024;

impl Decoder {
    /// The buffer to append received bytes to.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.buffer.shrink_to(KEPT_BYTES_MAX);
            self.start = 0;
        } else if self.start >= KEPT_BYTES_MAX {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        &mut self.buffer
    }

    /// The next whole frame. `None` when more bytes are needed.
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, Violation> {
        let bytes = &self.buffer[self.start..];
        if bytes.len() < HEADER_BYTES {
            return Ok(None);
        }
        let length = read_u32(bytes, 0) as usize;
        let meta_length = read_u32(bytes, 12) as usize;
        if !(COUNTED_HEADER_BYTES..=FRAME_BYTES_MAX).contains(&length) {
            return Err(Violation(format!("a frame of {length} bytes")));
        }
        if meta_length > length - COUNTED_HEADER_BYTES {
            return Err(Violation(format!("a frame of {length} bytes with {meta_length} bytes of meta")));
        }
        let kind =
            Kind::from_worker(bytes[4]).ok_or_else(|| Violation(format!("a frame of unknown kind {}", bytes[4])))?;
        let flags = bytes[5];
        if flags & !SHARED != 0 || bytes[6] != 0 || bytes[7] != 0 {
            return Err(Violation("a frame with unknown flags".to_owned()));
        }
        if bytes.len() < 4 + length {
            return Ok(None);
        }
        let stream = read_u32(bytes, 8);
        let frame = &bytes[HEADER_BYTES..4 + length];
        let (meta, body) = frame.split_at(meta_length);
        let body = if flags & SHARED != 0 { Body::Shared(place(body)?) } else { Body::Inline(body) };
        self.start += 4 + length;
        Ok(Some(Frame { kind, stream, meta: if meta.is_empty() { b"{}" } else { meta }, body }))
    }
}

fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn place(body: &[u8]) -> Result<Place, Violation> {
    let wrong = || Violation(format!("a shared body described by {} bytes instead of 16", body.len()));
    let bytes: &[u8; 16] = body.try_into().map_err(|_| wrong())?;
    let (offset, size) = bytes.split_at(8);
    let number = |half: &[u8]| half.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let place = Place { offset: number(offset), size: number(size) };
    if place.offset.checked_add(place.size).is_none_or(|end| end > i64::MAX as u64) {
        return Err(Violation("a shared body beyond the end of memory".to_owned()));
    }
    Ok(place)
}
