//! One connection from its first byte to its end.

use std::{sync::Arc, time::Duration};

use hyper::{
    server::conn::{http1, http2},
    service::HttpService,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Calls, Held, transport::Transport};
use crate::reply::Body;

/// What every HTTP/2 connection begins with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Streams a HTTP/2 connection may have open at once.
const STREAMS_MAX: u32 = 256;
/// What a peer is told whose request head took too long.
const HEAD_TIMED_OUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nserver: tidemill\r\nconnection: close\r\n\
    content-type: text/plain\r\ncontent-length: 39\r\n\r\nthe head of the request came too slowly";

/// Bounds of a connection; see [`crate::ServerConfig`] for each.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) head_bytes_max: usize,
    pub(crate) headers_max: usize,
    pub(crate) header_read_timeout: Duration,
    pub(crate) response_write_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) quiet_after: Duration,
}

enum Protocol {
    Http1(Vec<u8>),
    Http2(Vec<u8>),
}

/// Serves one connection until it ends, or, after `stop`, until its open requests are answered.
///
/// A connection that has sent nothing, or has been quiet for a while, holds no buffers.
pub(crate) async fn serve<S>(
    mut stream: TcpStream,
    calls: Arc<Calls>,
    service: S,
    limits: Arc<Limits>,
    stop: CancellationToken,
) where
    S: HttpService<hyper::body::Incoming, ResBody = Held<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut left = Vec::new();
    loop {
        let protocol = if left.is_empty() {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                protocol = first_bytes(&mut stream, &limits) => protocol,
            }
        } else {
            Some(Protocol::Http1(left))
        };
        match protocol {
            None => return,
            Some(Protocol::Http1(first)) => {
                let transport = Transport::new(stream, first, Arc::clone(&calls), Arc::clone(&limits), true);
                match serve_http1(transport, service.clone(), &limits, &stop).await {
                    None => return,
                    Some(quiet) => (stream, left) = quiet,
                }
            }
            Some(Protocol::Http2(first)) => {
                let transport = Transport::new(stream, first, calls, Arc::clone(&limits), false);
                return serve_http2(transport, service, &limits, stop).await;
            }
        }
    }
}

/// Reads until it is clear what the peer speaks. `None` when it says nothing in time.
async fn first_bytes(stream: &mut TcpStream, limits: &Limits) -> Option<Protocol> {
    // Not `readable()`, which may come back without anything to read.
    timeout(limits.idle_timeout, stream.peek(&mut [0u8; 1])).await.ok()?.ok()?;
    let mut first = [0u8; PREFACE.len()];
    let mut n = 0;
    timeout(limits.header_read_timeout, async {
        loop {
            let read = stream.read(&mut first[n..]).await.ok().filter(|read| *read > 0)?;
            n += read;
            if first[..n] != PREFACE[..n] {
                return Some(Protocol::Http1(first[..n].to_vec()));
            }
            if n == PREFACE.len() {
                return Some(Protocol::Http2(first.to_vec()));
            }
        }
    })
    .await
    .ok()
    .flatten()
}

/// Serves until the connection ends (`None`) or has gone quiet: then what is left of it, with bytes that were read too early.
async fn serve_http1<S>(
    transport: Transport,
    service: S,
    limits: &Limits,
    stop: &CancellationToken,
) -> Option<(TcpStream, Vec<u8>)>
where
    S: HttpService<hyper::body::Incoming, ResBody = Held<Body>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The transport does this, and tells an idle connection from a slow head.
        .header_read_timeout(None)
        .max_header_size(limits.head_bytes_max)
        .max_headers(limits.headers_max)
        .serve_connection(TokioIo::new(transport), service);
    let result = tokio::select! {
        biased;
        result = Pin::new(&mut connection) => result,
        () = stop.cancelled() => {
            Pin::new(&mut connection).graceful_shutdown();
            Pin::new(&mut connection).await
        }
    };
    let parts = connection.into_parts();
    let mut transport = parts.io.into_inner();
    if transport.is_quiet && !stop.is_cancelled() {
        return Some((transport.into_stream(), parts.read_buf.to_vec()));
    }
    if result.is_err() && transport.head_timed_out {
        // Whether it gets there does not matter: the peer is slow or hostile.
        let _ = timeout(Duration::from_secs(1), async {
            let _ = transport.write_all(HEAD_TIMED_OUT).await;
            let _ = transport.shutdown().await;
        })
        .await;
    }
    None
}

async fn serve_http2<S>(transport: Transport, service: S, limits: &Limits, stop: CancellationToken)
where
    S: HttpService<hyper::body::Incoming, ResBody = Held<Body>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS_MAX)
        .serve_connection(TokioIo::new(transport), service);
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        biased;
        result = connection.as_mut() => result,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a HTTP/2 connection broke");
    }
}
