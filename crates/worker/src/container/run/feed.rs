//! The message by FIFO.
//!
//! Readers are of two kinds: those that read until there is nothing more for the moment, without waiting (Abaco's SDK), and those
//! that read to the end, as `cat` does. For the first the whole message must be in the pipe when they come, so the pipe is made
//! as large as the system allows (any size with the right to, else 1 MiB); what does not fit follows as the reader takes
//! it. For the second the pipe is closed once all has been read. Nobody has to read it.

use std::{io, time::Duration};

use bytes::Bytes;
use rustix::{io::ioctl_fionread, pipe::fcntl_setpipe_size};
use tokio::net::unix::pipe;
use tokio_util::sync::CancellationToken;

use super::folder::Folder;

/// Between two looks whether the message has been read.
const LOOK_PERIOD: Duration = Duration::from_millis(20);

/// Feeds `message` to whoever reads the folder's FIFO, until it has been read or `ended`.
pub(super) struct Feed {
    pipe: pipe::Sender,
    message: Bytes,
}

impl Feed {
    /// Opens the FIFO and puts in it what fits.
    pub fn open(folder: &Folder, message: Bytes) -> io::Result<Feed> {
        // For reading too: that way it opens at once and keeps what is in it.
        let pipe = pipe::OpenOptions::new().read_write(true).open_sender(folder.message())?;
        let mut size = message.len();
        while size > 64 * 1024 && fcntl_setpipe_size(&pipe, size).is_err() {
            size /= 2;
        }
        let mut feed = Feed { pipe, message };
        // By the system itself: the runtime does not know yet that there is room.
        feed.fill(|pipe, bytes| Ok(rustix::io::write(pipe, bytes)?))?;
        Ok(feed)
    }

    fn fill(&mut self, write: impl Fn(&pipe::Sender, &[u8]) -> io::Result<usize>) -> io::Result<()> {
        while !self.message.is_empty() {
            match write(&self.pipe, &self.message) {
                Ok(written) => self.message = self.message.slice(written..),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Puts in the rest as there is room, waits until all has been read, and closes the pipe.
    pub async fn run(mut self, folder: &Folder, ended: &CancellationToken) {
        let work = async {
            while !self.message.is_empty() {
                self.pipe.writable().await?;
                self.fill(pipe::Sender::try_write)?;
            }
            while ioctl_fionread(&self.pipe)? > 0 {
                tokio::time::sleep(LOOK_PERIOD).await;
            }
            io::Result::Ok(())
        };
        tokio::select! {
            done = work => match done {
                Ok(()) => folder.set_read(),
                Err(error) => tracing::debug!(%error, "the message was not handed over to its end"),
            },
            () = ended.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io::Read as _};

    use super::*;

    fn folder(message: &Bytes) -> (tempfile::TempDir, Folder) {
        let directory = tempfile::tempdir().unwrap();
        // Longer than the path of a socket may be.
        let folder = Folder::at(directory.path().join("f".repeat(120)));
        folder.furnish(None, Some(message), &BTreeMap::new()).unwrap();
        (directory, folder)
    }

    #[tokio::test]
    async fn a_message_of_any_size_is_read_to_its_end() {
        for size in [1usize, 70_000, 5_000_000, 40_000_000] {
            let message = Bytes::from((0..size).map(|at| (at % 251) as u8).collect::<Vec<u8>>());
            let (_directory, folder) = folder(&message);
            let feed = Feed::open(&folder, message.clone()).unwrap();
            let path = folder.message();
            let reader = tokio::task::spawn_blocking(move || {
                let mut read = Vec::new();
                std::fs::File::open(path).unwrap().read_to_end(&mut read).map(|_| read)
            });
            feed.run(&folder, &CancellationToken::new()).await;
            assert!(reader.await.unwrap().unwrap() == message, "{size} bytes");
            assert!(Folder::is_adoptable(folder.message().parent().unwrap()));
        }
    }

    #[tokio::test]
    async fn who_does_not_wait_gets_it_whole() {
        // As much as anybody may put in a pipe.
        let message = Bytes::from(vec![7; 1 << 20]);
        let (_directory, folder) = folder(&message);
        let feed = Feed::open(&folder, message.clone()).unwrap();
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK;
        let reader = rustix::fs::open(folder.message(), flags, rustix::fs::Mode::empty()).unwrap();
        let (mut read, mut buffer) = (Vec::new(), vec![0; 65536]);
        while let Ok(count @ 1..) = rustix::io::read(&reader, &mut buffer) {
            read.extend_from_slice(&buffer[..count]);
        }
        assert!(read == message, "{} bytes", read.len());
        drop(feed);
    }

    #[tokio::test]
    async fn nobody_has_to_read_it() {
        let message = Bytes::from(vec![1; 3_000_000]);
        let (_directory, folder) = folder(&message);
        let feed = Feed::open(&folder, message).unwrap();
        let ended = CancellationToken::new();
        ended.cancel();
        feed.run(&folder, &ended).await;
        assert!(!Folder::is_adoptable(folder.message().parent().unwrap()));
    }

    #[tokio::test]
    async fn an_empty_message_is_an_empty_file() {
        let (_directory, folder) = folder(&Bytes::new());
        assert_eq!(std::fs::read(folder.message()).unwrap(), b"");
    }
}
