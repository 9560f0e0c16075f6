//! A TCP stream that gives up on peers that are too slow.
//!
//! It knows whether a request is being answered ([`Calls`]). While one is, reading has no limit here: bodies have their own
//! ([`super::read`]). Otherwise the peer has [`Limits::header_read_timeout`] to complete a head that it has begun (HTTP/1.1), and
//! [`Limits::idle_timeout`] to begin one.
//!
//! A HTTP/1.1 connection that has been quiet for [`Limits::quiet_after`] is taken out of hyper's hands by an error on reading, at a moment
//! when nothing is read or waits to be written. hyper's buffers go with it; the stream stays open, and the next bytes get a new hyper
//! connection. So thousands of idle connections cost little more than their sockets.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tidemill_core::time::micros;

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};

use super::{Limits, deadline::Deadline};

/// The requests of one connection: how many began, how many are open, when the last one ended.
#[derive(Debug)]
pub(crate) struct Calls {
    begun: AtomicU32,
    open: AtomicU32,
    accepted: Instant,
    /// Microseconds after `accepted`.
    ended_us: AtomicU64,
}

/// An open request; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct OpenCall(Arc<Calls>);

impl Calls {
    /// Of a connection that has just been accepted.
    pub(crate) fn new() -> Arc<Calls> {
        let (begun, open, ended_us) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU64::new(0));
        Arc::new(Calls { begun, open, accepted: Instant::now(), ended_us })
    }

    /// Since when the connection has had no request.
    fn idle_since(&self) -> Instant {
        self.accepted + Duration::from_micros(self.ended_us.load(Ordering::Relaxed))
    }

    /// Counts a request that begins.
    pub(crate) fn begin(self: &Arc<Calls>) -> OpenCall {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenCall(Arc::clone(self))
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let elapsed = micros(self.0.accepted.elapsed());
        self.0.ended_us.store(elapsed, Ordering::Relaxed);
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The stream of one connection.
pub(super) struct Transport {
    stream: TcpStream,
    /// Bytes read before it was known what protocol they are.
    first: Vec<u8>,
    calls: Arc<Calls>,
    limits: Arc<Limits>,
    has_heads: bool,
    seen: u32,
    idle_until: Option<Instant>,
    head_until: Option<Instant>,
    write_until: Option<Instant>,
    read_timer: Deadline,
    write_timer: Deadline,
    /// Whether a head was begun and not completed in time.
    pub(super) head_timed_out: bool,
    /// Whether reading failed only because the connection has gone quiet.
    pub(super) is_quiet: bool,
}

impl Transport {
    /// `has_heads`: whether what arrives outside of requests is the head of one (HTTP/1.1).
    pub(super) fn new(
        stream: TcpStream,
        first: Vec<u8>,
        calls: Arc<Calls>,
        limits: Arc<Limits>,
        has_heads: bool,
    ) -> Transport {
        Transport {
            stream,
            first,
            calls,
            limits,
            has_heads,
            seen: 0,
            idle_until: None,
            head_until: None,
            write_until: None,
            read_timer: Deadline::default(),
            write_timer: Deadline::default(),
            head_timed_out: false,
            is_quiet: false,
        }
    }

    /// The stream, to be served anew.
    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Forgets the deadlines when a request has begun since the last look; says whether one is open.
    fn is_busy(&mut self) -> bool {
        let begun = self.calls.begun.load(Ordering::Relaxed);
        let is_open = self.calls.open.load(Ordering::Relaxed) > 0;
        if is_open || begun != self.seen {
            self.seen = begun;
            self.idle_until = None;
            self.head_until = None;
        }
        is_open
    }

    /// Ready when the peer has been waited for long enough, and says in which way.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(until) = self.head_until {
            ready!(self.read_timer.poll(cx, until));
            self.head_timed_out = true;
            return Poll::Ready(());
        }
        let (idle, quiet) = (self.limits.idle_timeout, self.limits.quiet_after);
        // A response that still waits to be written would be lost.
        let may_go_quiet = self.has_heads && self.write_until.is_none() && quiet < idle;
        let until =
            *self.idle_until.get_or_insert_with(|| self.calls.idle_since() + if may_go_quiet { quiet } else { idle });
        ready!(self.read_timer.poll(cx, until));
        if self.has_heads && self.write_until.is_some() {
            // The time for writing ends it, if need be.
            self.idle_until = Some(Instant::now() + quiet);
            self.read_timer.watch(cx, quiet);
            return Poll::Pending;
        }
        self.is_quiet = may_go_quiet;
        Poll::Ready(())
    }

    fn begin_head(&mut self) {
        if self.has_heads && !self.is_busy() && self.head_until.is_none() {
            self.head_until = Some(Instant::now() + self.limits.header_read_timeout);
        }
    }

    fn check_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let limit = self.limits.response_write_timeout;
        let until = *self.write_until.get_or_insert_with(|| Instant::now() + limit);
        self.write_timer.poll(cx, until).map(|()| io::ErrorKind::TimedOut.into())
    }
}

impl AsyncRead for Transport {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.first.is_empty() {
            let n = this.first.len().min(buf.remaining());
            buf.put_slice(&this.first[..n]);
            this.first.drain(..n);
            this.begin_head();
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Ready(result) => {
                if buf.filled().len() > before {
                    this.begin_head();
                }
                Poll::Ready(result)
            }
            Poll::Pending => {
                if this.is_busy() {
                    // Nobody may ask again when the request has been answered: look by ourselves.
                    this.read_timer.watch(cx, this.limits.quiet_after.min(this.limits.idle_timeout));
                    return Poll::Pending;
                }
                this.poll_patience(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, buf) {
            Poll::Pending => self.check_write(cx).map(Err),
            ready @ Poll::Ready(_) => {
                self.write_until = None;
                ready
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write_vectored(cx, bufs) {
            Poll::Pending => self.check_write(cx).map(Err),
            ready @ Poll::Ready(_) => {
                self.write_until = None;
                ready
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_quiet {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
