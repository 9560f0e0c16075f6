//! Copying the files of an exchange in and out.

use std::{fs, io, io::Read as _, os::unix::fs::MetadataExt as _, path::Path};

use rustix::fs::{Mode, OFlags, open, openat};

use super::separate::Worlds;
use crate::plan::Exchange;

/// A file of an exchange.
pub(super) struct Copied {
    pub name: String,
    /// Who may do what with it.
    pub mode: u32,
    pub content: Vec<u8>,
}

/// All of them.
pub(super) type Brought = Vec<Copied>;

/// Reads the files outside.
pub(super) fn read(exchange: &Exchange) -> io::Result<Brought> {
    read_from(&exchange.outside, exchange)
}

/// Copies what the program left to where the files came from. Nothing of it may run any more.
pub(super) fn bring_back(exchange: &Exchange, worlds: &Worlds) -> io::Result<()> {
    worlds.enter_inner()?;
    let left = read_from(&exchange.inside, exchange);
    worlds.enter_outer()?;
    let left = left?;
    for name in &exchange.files {
        let path = exchange.outside.join(name);
        match left.iter().find(|left| left.name == *name) {
            Some(left) => fs::write(path, &left.content)?,
            None => remove(&path)?,
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Reads those files of `folder` that are plain ones. The program may have put anything else there, in the folder's own place
/// too; neither a link is followed nor the other end of a pipe waited for.
fn read_from(folder: &Path, exchange: &Exchange) -> io::Result<Brought> {
    let plain = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = open(folder, plain | OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
    let mut found = Brought::new();
    for name in &exchange.files {
        let opened = openat(&folder, name.as_str(), plain | OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty());
        let Ok(file) = opened.map(fs::File::from) else { continue };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            continue;
        }
        let mut content = Vec::new();
        file.take(exchange.bytes_max.saturating_add(1)).read_to_end(&mut content)?;
        found.push(Copied { name: name.clone(), mode: metadata.mode() & 0o777, content });
    }
    Ok(found)
}
