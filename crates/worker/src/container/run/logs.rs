//! The output of a container, while it runs.
//!
//! An engine that restarts ends the stream without an error, and some end it before the last piece. So a stream that ends is
//! opened again, and once more when the container has ended: from the second of the last piece on. Pieces of that second that
//! were read already are known by their stamps.

use std::time::Duration;

use futures_util::StreamExt;
use parking_lot::Mutex;
use tidemill_core::invocation::LogLevel;

use super::execution::Running;
use crate::{
    container::engine::{LogChunk, LogSource},
    logs::{LogBuffer, PieceSplitter, now},
};

/// Before a stream that ended early is opened again.
const REOPEN_PERIOD: Duration = Duration::from_millis(300);
/// How long the rest of the output may take after the end of the container.
const REST_TIMEOUT: Duration = Duration::from_secs(5);

/// Cuts pieces into lines, and knows which pieces it has seen.
#[derive(Default)]
struct Reader {
    out: PieceSplitter,
    err: PieceSplitter,
    /// The stamp of the last piece, and how many pieces had it.
    last: Option<(String, u64)>,
    second: Option<i32>,
    /// Pieces with that stamp to be left out after the stream was opened again.
    known: u64,
}

impl Reader {
    fn reopened(&mut self) {
        self.known = self.last.as_ref().map_or(0, |(_, count)| *count);
    }

    fn is_known(&mut self, chunk: &LogChunk) -> bool {
        let Some((stamp, count)) = &mut self.last else { return false };
        if self.known > 0 {
            if chunk.stamp < *stamp {
                return true;
            }
            if chunk.stamp == *stamp {
                self.known -= 1;
                return true;
            }
            self.known = 0;
        }
        if chunk.stamp == *stamp {
            *count += 1;
        }
        false
    }

    fn take(&mut self, chunk: &LogChunk, logs: &Mutex<LogBuffer>) {
        if self.is_known(chunk) {
            return;
        }
        if self.last.as_ref().is_none_or(|(stamp, _)| *stamp != chunk.stamp) {
            self.last = Some((chunk.stamp.clone(), 1));
        }
        self.second = i32::try_from(chunk.time.micros() / 1_000_000).ok();
        let (splitter, level) = match chunk.source {
            LogSource::Out => (&mut self.out, LogLevel::Info),
            LogSource::Err => (&mut self.err, LogLevel::Warn),
        };
        splitter.push(&chunk.bytes, |piece, continues| logs.lock().push_piece(chunk.time, level, piece, continues));
    }

    fn finish(&mut self, logs: &Mutex<LogBuffer>) {
        self.out.flush(|piece, _| logs.lock().push_piece(now(), LogLevel::Info, piece, false));
        self.err.flush(|piece, _| logs.lock().push_piece(now(), LogLevel::Warn, piece, false));
    }
}

/// Reads until the container has ended and all of its output is read, or as much as is kept.
pub(super) async fn follow(running: &Running<'_>) {
    let mut reader = Reader::default();
    let ended = &running.ended;
    while !ended.is_cancelled() {
        tokio::select! {
            () = ended.cancelled() => break,
            _ = read(running, &mut reader, true) => {}
        }
        if running.logs.lock().is_full() {
            return ended.cancelled().await;
        }
        tokio::select! {
            () = ended.cancelled() => {}
            () = tokio::time::sleep(REOPEN_PERIOD) => {}
        }
    }
    // An engine may end a stream before its last piece. By now all is written, so once more without waiting is the whole.
    let rest = async {
        while !read(running, &mut reader, false).await {
            tokio::time::sleep(REOPEN_PERIOD).await;
        }
    };
    if tokio::time::timeout(REST_TIMEOUT, rest).await.is_err() {
        tracing::debug!(container = %running.id, "the end of the output of a container was not read");
    }
    reader.finish(&running.logs);
}

/// Reads one stream. Whether it came to its end without an error.
async fn read(running: &Running<'_>, reader: &mut Reader, follow: bool) -> bool {
    reader.reopened();
    let mut stream = running.engine.logs(running.id, reader.second, follow);
    while let Some(next) = stream.next().await {
        match next {
            Ok(chunk) => reader.take(&chunk, &running.logs),
            Err(error) => {
                tracing::debug!(%error, container = %running.id, "the output of a container broke off");
                return false;
            }
        }
        if running.logs.lock().is_full() {
            break;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tidemill_core::Timestamp;

    use super::*;

    fn chunk(stamp: &str, text: &'static str) -> LogChunk {
        LogChunk {
            source: LogSource::Out,
            time: Timestamp(5_000_000),
            stamp: stamp.to_owned(),
            bytes: Bytes::from_static(text.as_bytes()),
        }
    }

    #[test]
    fn a_stream_that_is_opened_again_goes_on_where_it_broke_off() {
        let all = [chunk("1", "a\n"), chunk("2", "b1"), chunk("2", "b2\n"), chunk("2", "c\n"), chunk("3", "d\n")];
        for broken_at in 0..=all.len() {
            let (mut reader, logs) = (Reader::default(), Mutex::new(LogBuffer::default()));
            all[..broken_at].iter().for_each(|chunk| reader.take(chunk, &logs));
            for _ in 0..2 {
                reader.reopened();
                all.iter().for_each(|chunk| reader.take(chunk, &logs));
            }
            reader.finish(&logs);
            let lines: Vec<String> = logs.into_inner().into_lines().into_iter().map(|line| line.message).collect();
            assert_eq!(lines, ["a", "b1b2", "c", "d"], "broken at {broken_at}");
        }
    }
}
