//! Results: datagrams that the container sends while it runs.

use std::{fs, io, io::Write as _, path::PathBuf};

use bytes::Bytes;
use parking_lot::Mutex;
use rustix::net::{RecvFlags, recv};
use tidemill_core::{
    invocation::LogLevel,
    limits::{RESPONSE_BODY_BYTES_MAX, RESULT_BYTES_MAX, RESULTS_MAX},
};
use tokio::net::UnixDatagram;
use tokio_util::sync::CancellationToken;

use crate::logs::{LogBuffer, now};

/// All results of an execution together, in bytes.
const TOTAL_BYTES_MAX: u64 = RESPONSE_BODY_BYTES_MAX;

/// The results of one execution. What comes is written to a file too, for whoever adopts the execution.
pub(super) struct Results {
    taken: Mutex<Taken>,
    file: PathBuf,
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
        Results { taken: Mutex::default(), file }
    }

    /// The results that were written to `file`; half of one at its end is dropped.
    pub fn reopen(file: PathBuf) -> Results {
        let text = fs::read(&file).unwrap_or_default();
        let mut taken = Taken::default();
        let mut rest = &text[..];
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let Some((result, tail)) = tail.split_at_checked(u32::from_le_bytes(*length) as usize) else { break };
            taken.results.push(Bytes::copy_from_slice(result));
            taken.bytes += result.len() as u64;
            rest = tail;
        }
        Results { taken: Mutex::new(taken), file }
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
        taken.results.push(Bytes::copy_from_slice(datagram));
        if let Err(error) = self.write(datagram) {
            tracing::debug!(%error, "a result was not kept for a restart");
        }
    }

    fn write(&self, datagram: &[u8]) -> io::Result<()> {
        let length = u32::try_from(datagram.len()).map_err(io::Error::other)?;
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.file)?;
        file.write_all(&[&length.to_le_bytes()[..], datagram].concat())
    }

    /// What came so far, in order.
    pub fn into_list(self) -> Vec<Bytes> {
        self.taken.into_inner().results
    }
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
        assert_eq!(results.into_list(), expected);
        assert_eq!(logs.lock().last_message(), Some("a result of more than 131072 bytes was dropped"));

        let mut half = fs::OpenOptions::new().append(true).open(&file).unwrap();
        half.write_all(&[9, 0, 0, 0, 1]).unwrap();
        assert_eq!(Results::reopen(file).into_list(), expected);
        assert!(Results::reopen(directory.path().join("none")).into_list().is_empty());
    }
}
