//! Frames on the socket (descriptor 3), bodies over 64 KiB in the memory files (4 to us, 5 from us). In a container
//! variables tell where the three lie.

use std::collections::HashSet;
use std::env;
use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read, Result, Write};
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;

use serde_json::Value;

pub const HELLO: u8 = 1;
pub const EVENT: u8 = 2;
pub const DRAIN: u8 = 4;
pub const RELEASE: u8 = 5;
pub const STATE: u8 = 7;
pub const READY: u8 = 16;
pub const FAILED: u8 = 17;
pub const REPLY: u8 = 18;
pub const ERROR: u8 = 19;
pub const LOG: u8 = 20;
pub const SEND: u8 = 23;
pub const NEW_STATE: u8 = 24;

const SHARED: u8 = 1;
const INLINE_BYTES_MAX: usize = 65_536;
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A frame from Tidemill, its body already fetched from shared memory.
pub struct Frame {
    pub kind: u8,
    pub stream: u32,
    pub meta: Value,
    pub body: Vec<u8>,
}

/// Both directions of the socket and both memory files.
pub struct Wire {
    input: BufReader<UnixStream>,
    output: UnixStream,
    incoming: File,
    outgoing: File,
    /// Streams whose bodies in `outgoing` Tidemill has not released yet.
    held: HashSet<u32>,
    end: u64,
}

impl Wire {
    /// The channel to Tidemill. To be called once.
    pub fn connect() -> Result<Self> {
        let (socket, incoming, outgoing) = match env::var("TIDEMILL_WORKER_SOCKET") {
            Ok(path) => {
                let memory = env::var("TIDEMILL_WORKER_MEMORY").unwrap_or_default();
                let (incoming, outgoing) = memory.split_once(':').ok_or(ErrorKind::InvalidInput)?;
                let open = |path| File::options().read(true).write(true).open(path);
                (UnixStream::connect(path)?, open(incoming)?, open(outgoing)?)
            }
            // SAFETY: the protocol hands these three descriptors to us, and nothing else in this program uses them.
            Err(_) => unsafe { (UnixStream::from_raw_fd(3), File::from_raw_fd(4), File::from_raw_fd(5)) },
        };
        let output = socket.try_clone()?;
        Ok(Self { input: BufReader::new(socket), output, incoming, outgoing, held: HashSet::new(), end: 0 })
    }

    /// Waits for the next frame. Fails at the end of the socket and on bytes that are no frame.
    pub fn receive(&mut self) -> Result<Frame> {
        let mut header = [0_u8; 16];
        self.input.read_exact(&mut header)?;
        let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (length, stream, meta_length) = (number(0) as usize, number(8), number(12) as usize);
        if length > FRAME_BYTES_MAX || meta_length + 12 > length {
            return Err(Error::new(ErrorKind::InvalidData, "not a frame"));
        }
        let mut meta = vec![0; meta_length];
        self.input.read_exact(&mut meta)?;
        let mut body = vec![0; length - 12 - meta_length];
        self.input.read_exact(&mut body)?;
        if header[5] & SHARED != 0 {
            body = self.load(&body)?;
        }
        let meta = if meta.is_empty() { Value::Null } else { serde_json::from_slice(&meta)? };
        Ok(Frame { kind: header[4], stream, meta, body })
    }

    /// Sends one frame; a large body goes through shared memory.
    pub fn send(&mut self, kind: u8, stream: u32, meta: &Value, body: &[u8]) -> Result<()> {
        let meta = serde_json::to_vec(meta)?;
        let place;
        let (flags, body) = if body.len() > INLINE_BYTES_MAX {
            place = self.store(stream, body)?;
            (SHARED, &place[..])
        } else {
            (0, body)
        };
        let too_large = |_| Error::new(ErrorKind::InvalidInput, "the frame is too large");
        let length = u32::try_from(12 + meta.len() + body.len()).map_err(too_large)?;
        let meta_length = u32::try_from(meta.len()).map_err(too_large)?;
        let mut frame = Vec::with_capacity(4 + length as usize);
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(&[kind, flags, 0, 0]);
        frame.extend_from_slice(&stream.to_le_bytes());
        frame.extend_from_slice(&meta_length.to_le_bytes());
        frame.extend_from_slice(&meta);
        frame.extend_from_slice(body);
        self.output.write_all(&frame)
    }

    /// Tidemill has read what we stored for `stream`. Once it has read all, we begin at the front again.
    pub fn release(&mut self, stream: u32) {
        self.held.remove(&stream);
        if self.held.is_empty() {
            self.end = 0;
        }
    }

    fn load(&self, place: &[u8]) -> Result<Vec<u8>> {
        let number = |at: usize| place.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
        let (Some(offset), Some(size)) = (number(0), number(8)) else {
            return Err(Error::new(ErrorKind::InvalidData, "not a place in shared memory"));
        };
        let size = usize::try_from(size).map_err(|_| Error::from(ErrorKind::OutOfMemory))?;
        let mut body = vec![0; size];
        self.incoming.read_exact_at(&mut body, offset)?;
        Ok(body)
    }

    fn store(&mut self, stream: u32, body: &[u8]) -> Result<[u8; 16]> {
        let (offset, size) = (self.end, body.len() as u64);
        self.outgoing.write_all_at(body, offset)?;
        self.end += size;
        self.held.insert(stream);
        let mut place = [0; 16];
        place[..8].copy_from_slice(&offset.to_le_bytes());
        place[8..].copy_from_slice(&size.to_le_bytes());
        Ok(place)
    }
}
