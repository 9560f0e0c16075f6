//! What a tree consists of, and going down in it.

use std::{
    ffi::{CStr, CString},
    fs, io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::PermissionsExt},
    },
    path::Path,
};

use rustix::{
    fs::{Dir, FileType, Mode, OFlags, Stat, fstat, openat},
    io::Errno,
};

/// Something of a tree, open for looking only.
pub(super) struct Node {
    pub file: OwnedFd,
    pub stat: Stat,
}

impl Node {
    pub fn open(folder: impl AsFd, name: &CStr) -> io::Result<Node> {
        let file = openat(folder, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let stat = fstat(&file)?;
        Ok(Node { file, stat })
    }

    pub fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    /// Links have no mode of their own.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        fs::set_permissions(format!("/proc/self/fd/{}", self.file.as_raw_fd()), fs::Permissions::from_mode(mode))
    }
}

pub(super) fn folder_at(parent: impl AsFd, name: &CStr) -> Result<Dir, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Dir::new(openat(parent, name, flags, Mode::empty())?)
}

pub(super) fn name_of(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// The next name in `folder`; `None` when there are no more.
pub(super) fn next_name(folder: &mut Dir) -> Result<Option<CString>, Errno> {
    while let Some(entry) = folder.read() {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            return Ok(Some(entry.file_name().to_owned()));
        }
    }
    Ok(None)
}
