//! Showing a folder to a program that runs already.
//!
//! A copy of the warden does it: it opens the folder out here with the warden's rights, then becomes the user of the inside,
//! which it cannot undo, and goes in to put the folder up. Between the two stands the root, which may not be written; a second
//! mount of it, which nobody inside can reach, may.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::fs::DirBuilderExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, mkdirat},
    mount::{MountAttrFlags, OpenTreeFlags, open_tree},
    process::{WaitOptions, waitpid},
};

use super::{init::impossible, privileges, root::Source, separate::Worlds};
use crate::{
    control::{Control, Failure, Step as _},
    sys::{Forked, fork, set_mount_attributes},
};

/// Shows `folders` at their own places, not to be written.
pub(super) fn show(folders: &[PathBuf], worlds: Option<&Worlds>, ids: Option<(u32, u32)>) -> Result<(), Failure> {
    const STEP: &str = "show further folders";
    let Some(worlds) = worlds else {
        return Err(impossible(STEP, "the program sees the machine's files"));
    };
    let (answer, asked) = Control::pair().step("make a socket")?;
    match fork().step("fork")? {
        Forked::Child => {
            let result: Result<(), Failure> = put_up_all(folders, worlds, ids);
            // The warden takes silence for a failure.
            let _ = Control::new(asked).send(&result);
            std::process::exit(0)
        }
        Forked::Parent(child) => {
            drop(asked);
            let result = answer.receive::<Result<(), Failure>>().step(STEP);
            waitpid(Some(child), WaitOptions::empty()).step(STEP)?;
            result?.unwrap_or_else(|| Err(impossible(STEP, "whoever did it ended early")))
        }
    }
}

fn put_up_all(folders: &[PathBuf], worlds: &Worlds, ids: Option<(u32, u32)>) -> Result<(), Failure> {
    let mut sources = Vec::new();
    for folder in folders {
        let named = format!("show {}", folder.display());
        let source = Source::open(folder).and_then(|found| found.ok_or(io::ErrorKind::NotFound.into())).step(&named)?;
        if !source.is_folder().step(&named)? {
            return Err(impossible(&named, "it is no folder"));
        }
        sources.push((source, folder, named));
    }
    if let Some((user, group)) = ids {
        privileges::become_user(user, group)?;
    }
    worlds.enter_inner().step("enter the inside")?;
    for (source, folder, named) in sources {
        make_folder(folder).step(&named)?;
        source.put_up(folder).step(&named)?;
    }
    Ok(())
}

/// A second mount of `folder`, of the root or of an empty folder over something, that may be written. The kernel refuses it for what is the
/// machine's.
fn writable(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount = open_tree(CWD, folder, flags)?;
    set_mount_attributes(&mount, MountAttrFlags::empty(), MountAttrFlags::MOUNT_ATTR_RDONLY, false)?;
    Ok(mount)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut so_far = PathBuf::from("/");
    for part in folder.components().skip(1) {
        so_far.push(part);
        if fs::symlink_metadata(&so_far).is_ok_and(|found| found.is_dir()) {
            continue;
        }
        match fs::DirBuilder::new().mode(0o755).create(&so_far) {
            Err(error) if error.raw_os_error() == Some(libc::EROFS) => {
                let parent = so_far.parent().expect("it is no root, which is there");
                mkdirat(writable(parent)?, part.as_os_str(), Mode::from_raw_mode(0o755))?;
            }
            other => other?,
        }
    }
    Ok(())
}
