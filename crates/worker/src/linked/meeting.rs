//! Meeting a worker that does not inherit its descriptors: a folder with a socket and the two memory files.
//!
//! The worker sees the folder at a path of its own (a mount), and is told of its files by `TIDEMILL_WORKER_SOCKET` and
//! `TIDEMILL_WORKER_MEMORY`. It connects once. Whoever makes the folder keeps others of the machine away from its parent: the
//! files themselves are open to every user, since a container may run as any.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

use super::Connection;
use crate::{protocol::VERSION, socket_path::by_folder};

const SOCKET: &str = "socket";
const TO_WORKER: &str = "to-worker";
const FROM_WORKER: &str = "from-worker";

/// See the module. Dropping it removes the folder; a connection that was made stays.
#[derive(Debug)]
pub(crate) struct Meeting {
    directory: PathBuf,
    listener: UnixListener,
    memory: (OwnedFd, OwnedFd),
}

impl Meeting {
    /// Makes the new folder `directory`; one on a file system in memory is quickest. Listens at once.
    pub fn open(directory: PathBuf) -> io::Result<Meeting> {
        fs::create_dir(&directory)?;
        let made = Meeting::fill(&directory);
        if made.is_err() {
            let _ = fs::remove_dir_all(&directory);
        }
        let (listener, memory) = made?;
        Ok(Meeting { directory, listener, memory })
    }

    fn fill(directory: &Path) -> io::Result<(UnixListener, (OwnedFd, OwnedFd))> {
        let for_all = |name: &str, mode| fs::set_permissions(directory.join(name), fs::Permissions::from_mode(mode));
        let listener = by_folder(directory, SOCKET, UnixListener::bind)?;
        let memory = |name: &str| -> io::Result<OwnedFd> {
            let file = fs::OpenOptions::new().read(true).write(true).create_new(true).open(directory.join(name))?;
            for_all(name, 0o666)?;
            Ok(file.into())
        };
        let memory = (memory(TO_WORKER)?, memory(FROM_WORKER)?);
        for_all(SOCKET, 0o666)?;
        for_all("", 0o755)?;
        Ok((listener, memory))
    }

    /// The folder on this machine.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The variables for a worker that sees the folder at `seen_at`.
    pub fn variables(&self, seen_at: &Path) -> Vec<(String, String)> {
        let path = |name: &str| seen_at.join(name).to_string_lossy().into_owned();
        let entry = |name: &str, value: String| (name.to_owned(), value);
        vec![
            entry("TIDEMILL_WORKER_PROTOCOL", VERSION.to_string()),
            entry("TIDEMILL_WORKER_SOCKET", path(SOCKET)),
            entry("TIDEMILL_WORKER_MEMORY", format!("{}:{}", path(TO_WORKER), path(FROM_WORKER))),
        ]
    }

    /// Waits for the worker. Cancel-safe.
    pub async fn accept(&self) -> io::Result<Connection> {
        let (stream, _) = self.listener.accept().await?;
        let (to_worker, from_worker) = (self.memory.0.try_clone()?, self.memory.1.try_clone()?);
        Ok(Connection { stream, to_worker, from_worker })
    }
}

impl Drop for Meeting {
    fn drop(&mut self) {
        // What cannot be removed stays behind and does no harm: nobody listens any more.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
