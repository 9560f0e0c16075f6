//! Removing.

use std::{
    ffi::CStr,
    fs, io,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, renameat, unlinkat},
    io::Errno,
};

use super::{
    DEPTH_MAX,
    node::{Node, folder_at, name_of, next_name},
};

/// How often a folder is read anew for names that reading while removing has left out, before somebody must be adding to it.
const PASSES_MAX: usize = 100;

/// Removes `folder` and all in it, however deep it is and whatever its folders allow. One that is not there is removed already.
///
/// What lies too deep is moved to one of two folders beside it, which are removed next, one in turn into the other. A removal that was
/// broken off may have left them: they are removed too, even if `folder` itself is no longer there.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    let beside = [".deep-0", ".deep-1"].map(|end| {
        let mut place = folder.as_os_str().to_owned();
        place.push(end);
        PathBuf::from(place)
    });
    remove_into(folder, &beside[0])?;
    while exists(&beside[0])? || exists(&beside[1])? {
        remove_into(&beside[0], &beside[1])?;
        remove_into(&beside[1], &beside[0])?;
    }
    Ok(())
}

fn exists(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        other => other.map(|_| true),
    }
}

/// Removes `folder`, but for what lies too deep, which goes to the folder `deep`.
fn remove_into(folder: &Path, deep: &Path) -> io::Result<()> {
    let name = name_of(folder)?;
    let opened = match Node::open(CWD, &name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if opened.kind() != FileType::Directory {
        return fs::remove_file(folder);
    }
    let _ = opened.set_mode(0o700);
    Removal { deep, brought_up: 0 }.empty(&mut folder_at(CWD, &name)?, 0)?;
    fs::remove_dir(folder)
}

struct Removal<'a> {
    deep: &'a Path,
    brought_up: u64,
}

impl Removal<'_> {
    fn empty(&mut self, folder: &mut Dir, depth: usize) -> io::Result<()> {
        for _ in 0..PASSES_MAX {
            let mut was_empty = true;
            while let Some(name) = next_name(folder)? {
                was_empty = false;
                self.remove(folder, &name, depth)?;
            }
            if was_empty {
                return Ok(());
            }
            folder.rewind();
        }
        Err(io::Error::other("something goes on adding to it"))
    }

    fn remove(&mut self, folder: &Dir, name: &CStr, depth: usize) -> io::Result<()> {
        let removed = match unlinkat(folder.fd()?, name, AtFlags::empty()) {
            // The one is Linux's answer for a folder, the other everybody else's.
            Err(Errno::ISDIR | Errno::PERM) => {
                let _ = Node::open(folder.fd()?, name).and_then(|node| node.set_mode(0o700));
                if depth < DEPTH_MAX {
                    self.empty(&mut folder_at(folder.fd()?, name)?, depth + 1)?;
                }
                unlinkat(folder.fd()?, name, AtFlags::REMOVEDIR)
            }
            other => other,
        };
        match removed {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::NOTEMPTY | Errno::EXIST) if depth == DEPTH_MAX => self.bring_up(folder, name),
            Err(error) => Err(error.into()),
        }
    }

    fn bring_up(&mut self, folder: &Dir, name: &CStr) -> io::Result<()> {
        match fs::create_dir(self.deep) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        loop {
            self.brought_up += 1;
            match renameat(folder.fd()?, name, CWD, self.deep.join(self.brought_up.to_string())) {
                // A removal that was broken off has left this one.
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
                other => return Ok(other?),
            }
        }
    }
}
