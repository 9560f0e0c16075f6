//! Sockets in folders that may lie anywhere.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};

use rustix::fs::{Mode, OFlags, open};

/// Gives `act` a path of the socket `name` in `folder` that fits into the address of a socket, which has room for 107 bytes.
/// It leads through the open folder.
pub(crate) fn by_folder<T>(folder: &Path, name: &str, act: impl FnOnce(String) -> io::Result<T>) -> io::Result<T> {
    let (folder, path) = short(folder, name)?;
    let done = act(path);
    drop(folder);
    done
}

/// The same as a path, which is of use while the folder is open.
pub(crate) fn short(folder: &Path, name: &str) -> io::Result<(OwnedFd, String)> {
    let folder = open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let path = format!("/proc/self/fd/{}/{name}", folder.as_fd().as_raw_fd());
    Ok((folder, path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_socket_may_lie_deep() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("x".repeat(200));
        std::fs::create_dir(&deep).unwrap();
        let listener = by_folder(&deep, "s", UnixListener::bind).unwrap();
        assert!(deep.join("s").exists());
        let (_folder, path) = short(&deep, "s").unwrap();
        UnixStream::connect(path).unwrap();
        listener.accept().unwrap();
    }
}
