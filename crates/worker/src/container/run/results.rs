//! Results: datagrams that the container sends while it runs.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use parking_lot::Mutex;
use rustix::net::{RecvFlags, recv};
use tidemill_core::{
    invocation::LogLevel,
    limits::{RESPONSE_BODY_BYTES_MAX, RESULT_BYTES_MAX, RESULTS_MAX},
};
use tokio::{net::UnixDatagram, sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::logs::{LogBuffer, now};

/// All results of an execution together, in bytes.
const TOTAL_BYTES_MAX: u64 = RESPONSE_BODY_BYTES_MAX;

/// The most that is written at once, in bytes.
const PIECE_BYTES_MAX: usize = 1 << 20;

/// The results of one execution. What comes is written to a file too, by a task, for whoever adopts the execution.
pub(super) struct Results {
    taken: Mutex<Taken>,
    writer: Option<Writer>,
}

struct Writer {
    queue: mpsc::UnboundedSender<Bytes>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Taken {
    results: Vec<Bytes>,
    bytes: u64,
    is_full: bool,
}

impl Results {
    /// No results, to be written to `file`.
    pub fn new(file: PathBuf) -> Results {
        // What waits in it is held by `taken`, which is bounded.
        let (queue, results) = mpsc::unbounded_channel();
        let task = tokio::spawn(write(file, results));
        Results { taken: Mutex::default(), writer: Some(Writer { queue, task }) }
    }

    /// The results that were written to `file`; half of one at its end is dropped. None can follow. Blocks.
    pub fn reopen(file: &Path) -> Results {
        let text = fs::read(file).unwrap_or_default();
        let mut taken = Taken::default();
        let mut rest = &text[..];
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let Some((result, tail)) = tail.split_at_checked(u32::from_le_bytes(*length) as usize) else { break };
            taken.results.push(Bytes::copy_from_slice(result));
            taken.bytes += result.len() as u64;
            rest = tail;
        }
        Results { taken: Mutex::new(taken), writer: None }
    }

    /// Takes what comes to `socket` until `ended`, and what is there then.
    pub async fn take(&self, socket: &UnixDatagram, ended: &CancellationToken, logs: &Mutex<LogBuffer>) {
        // One byte more shows what is too long.
        let mut buffer = vec![0u8; RESULT_BYTES_MAX + 1];
        loop {
            let received = tokio::select! {
                received = socket.recv(&mut buffer) => received,
                () = ended.cancelled() => break,
            };
            match received {
                Ok(length) => self.push(&buffer[..length], logs),
                Err(error) => {
                    tracing::debug!(%error, "a result was not read");
                    ended.cancelled().await;
                    break;
                }
            }
        }
        // By the system itself: the runtime may not have been told yet that there is something.
        while let Ok((_, length)) = recv(socket, &mut buffer, RecvFlags::DONTWAIT) {
            self.push(&buffer[..length.min(RESULT_BYTES_MAX + 1)], logs);
        }
    }

    fn push(&self, datagram: &[u8], logs: &Mutex<LogBuffer>) {
        let refuse = |why: String| logs.lock().push(now(), LogLevel::Warn, &why, None);
        if datagram.len() > RESULT_BYTES_MAX {
            return refuse(format!("a result of more than {RESULT_BYTES_MAX} bytes was dropped"));
        }
        let mut taken = self.taken.lock();
        let bytes = taken.bytes + datagram.len() as u64;
        if taken.results.len() >= RESULTS_MAX || bytes > TOTAL_BYTES_MAX {
            if !std::mem::replace(&mut taken.is_full, true) {
                refuse(format!(
                    "further results are dropped: there are {RESULTS_MAX}, of {TOTAL_BYTES_MAX} bytes at most"
                ));
            }
            return;
        }
        taken.bytes = bytes;
        let result = Bytes::copy_from_slice(datagram);
        if let Some(writer) = &self.writer {
            // A writer that has gone said why.
            let _ = writer.queue.send(result.clone());
        }
        taken.results.push(result);
    }

    /// What came so far, in order, once it has been written.
    pub async fn into_list(self) -> Vec<Bytes> {
        if let Some(Writer { queue, task }) = self.writer {
            drop(queue);
            // A panic in it loses what an execution that is adopted would find.
            let _ = task.await;
        }
        self.taken.into_inner().results
    }
}

/// Writes results to `file`, which is made with the first one, until no more can come.
async fn write(path: PathBuf, mut results: mpsc::UnboundedReceiver<Bytes>) {
    let mut file = None;
    while let Some(first) = results.recv().await {
        let mut piece = Vec::new();
        let mut next = Some(first);
        while let Some(result) = next {
            piece.extend_from_slice(&u32::try_from(result.len()).unwrap_or(u32::MAX).to_le_bytes());
            piece.extend_from_slice(&result);
            next = if piece.len() < PIECE_BYTES_MAX { results.try_recv().ok() } else { None };
        }
        let (path, open) = (path.clone(), file.take());
        let written = tokio::task::spawn_blocking(move || append(open, &path, &piece)).await;
        match written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(open) => file = Some(open),
            // What follows half a result could not be read.
            Err(error) => return tracing::debug!(%error, "results were not kept for a restart"),
        }
    }
}

fn append(open: Option<fs::File>, path: &Path, piece: &[u8]) -> io::Result<fs::File> {
    let mut file = match open {
        Some(file) => file,
        None => fs::OpenOptions::new().create(true).append(true).open(path)?,
    };
    file.write_all(piece)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn results_are_bounded_kept_and_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let socket = UnixDatagram::bind(&path).unwrap();
        let file = directory.path().join("results");
        let (results, ended) = (Results::new(file.clone()), CancellationToken::new());
        let logs = Mutex::new(LogBuffer::default());
        let sender = std::os::unix::net::UnixDatagram::unbound().unwrap();
        for result in [&b"one"[..], b"", &[7; RESULT_BYTES_MAX], &[8; RESULT_BYTES_MAX + 1]] {
            sender.send_to(result, &path).unwrap();
        }
        ended.cancel();
        results.take(&socket, &ended, &logs).await;
        let expected = [Bytes::from_static(b"one"), Bytes::new(), Bytes::from(vec![7; RESULT_BYTES_MAX])];
        assert_eq!(results.into_list().await, expected);
        assert_eq!(logs.lock().last_message(), Some("a result of more than 131072 bytes was dropped"));

        let mut half = fs::OpenOptions::new().append(true).open(&file).unwrap();
        half.write_all(&[9, 0, 0, 0, 1]).unwrap();
        assert_eq!(Results::reopen(&file).into_list().await, expected);
        assert!(Results::reopen(&directory.path().join("none")).into_list().await.is_empty());
    }
}
