//! Streams of JSON lines.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tidemill_api::LogLine;

use crate::{Error, transport::Transport};

/// A body, line by line.
pub(crate) struct Lines {
    body: Incoming,
    buffer: BytesMut,
    /// Bytes of `buffer` that are known to hold no line end.
    searched: usize,
}

impl Lines {
    pub(crate) fn new(body: Incoming) -> Lines {
        Lines { body, buffer: BytesMut::new(), searched: 0 }
    }

    /// The next line that is not empty, without its end. `None` when the body has ended.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1).freeze();
                self.searched = 0;
                let line = line.slice(..line.len() - 1);
                if !line.is_empty() {
                    return Ok(Some(line));
                }
                continue;
            }
            self.searched = self.buffer.len();
            match self.body.frame().await.transpose()? {
                Some(frame) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                None => {
                    self.searched = 0;
                    let rest = self.buffer.split().freeze();
                    return Ok(Some(rest).filter(|rest| !rest.is_empty()));
                }
            }
        }
    }
}

/// Log lines as they come. Ends when the server stops.
pub struct LogStream(BoxStream<'static, Result<LogLine, Error>>);

impl LogStream {
    pub(crate) fn new(transport: Transport, body: Incoming) -> LogStream {
        let state = Some((Lines::new(body), transport));
        let lines = futures_util::stream::unfold(state, |state| async move {
            let (mut lines, transport) = state?;
            match lines.next().await {
                Ok(None) => None,
                Ok(Some(line)) => match serde_json::from_slice(&line) {
                    Ok(line) => Some((Ok(line), Some((lines, transport)))),
                    Err(error) => Some((Err(transport.unexpected(error.to_string())), None)),
                },
                Err(error) => Some((Err(transport.broken(&error)), None)),
            }
        });
        LogStream(lines.boxed())
    }
}

impl Stream for LogStream {
    type Item = Result<LogLine, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl std::fmt::Debug for LogStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogStream")
    }
}
