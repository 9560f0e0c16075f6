//! The standard streams of a guest.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use tidemill_core::invocation::LogLevel;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamError},
};

use crate::record::Record;

/// How much a guest may write at once.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// Where what a guest writes goes.
#[derive(Clone)]
pub(crate) struct Sink {
    record: Record,
    goal: Goal,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    Reply,
    Lines(LogLevel),
}

impl Sink {
    /// A stream that becomes the reply.
    pub fn reply(record: &Record) -> Sink {
        Sink { record: record.clone(), goal: Goal::Reply }
    }

    /// A stream that becomes log lines.
    pub fn lines(record: &Record, level: LogLevel) -> Sink {
        Sink { record: record.clone(), goal: Goal::Lines(level) }
    }

    fn put(&self, bytes: &[u8]) -> bool {
        match self.goal {
            Goal::Reply => self.record.write_reply(bytes),
            Goal::Lines(level) => {
                self.record.write_lines(level, bytes);
                true
            }
        }
    }
}

impl OutputStream for Sink {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        if self.put(&bytes) { Ok(()) } else { Err(StreamError::trap("the response is too large")) }
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(WRITE_BYTES_MAX)
    }
}

#[async_trait]
impl Pollable for Sink {
    async fn ready(&mut self) {}
}

impl IsTerminal for Sink {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Sink {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Sink {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = self.put(bytes);
        Poll::Ready(if taken { Ok(bytes.len()) } else { Err(io::Error::other("the response is too large")) })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
