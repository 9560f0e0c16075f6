//! Whose a tree is.

use std::{io, path::Path};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Uid, chownat};

use super::{
    DEPTH_MAX,
    node::{Node, folder_at, name_of, next_name},
    too_deep,
};

/// Whose files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub user: u32,
    pub group: u32,
}

impl Owner {
    /// This process's own user.
    pub fn this() -> Owner {
        Owner { user: rustix::process::geteuid().as_raw(), group: rustix::process::getegid().as_raw() }
    }
}

/// Gives `folder` and all in it to `owner`, and the folder itself to nobody else until it is [taken back](take_back).
pub(crate) fn hand_over(folder: &Path, owner: Owner) -> io::Result<()> {
    let name = name_of(folder)?;
    let node = Node::open(CWD, &name)?;
    node.set_mode(0o700)?;
    if owner == Owner::this() {
        return Ok(());
    }
    give_in(&mut folder_at(CWD, &name)?, 0, owner)?;
    give(&node, owner)
}

fn give_in(folder: &mut Dir, depth: usize, owner: Owner) -> io::Result<()> {
    if depth > DEPTH_MAX {
        return Err(too_deep());
    }
    while let Some(name) = next_name(folder)? {
        let node = Node::open(folder.fd()?, &name)?;
        if node.kind() == FileType::Directory {
            give_in(&mut folder_at(folder.fd()?, &name)?, depth + 1, owner)?;
        }
        give(&node, owner)?;
    }
    Ok(())
}

/// Gives a file that this process has made to `owner`.
pub(crate) fn give_file(file: &Path, owner: Owner) -> io::Result<()> {
    give(&Node::open(CWD, &name_of(file)?)?, owner)
}

fn give(node: &Node, owner: Owner) -> io::Result<()> {
    let (user, group) = (Uid::from_raw(owner.user), Gid::from_raw(owner.group));
    Ok(chownat(&node.file, c"", Some(user), Some(group), AtFlags::EMPTY_PATH)?)
}

/// Makes what `from` has written in `folder` this process's own, to be read by all and written by nobody else, and without any
/// power of its owner for whoever runs it. Nothing may write there any more.
pub(crate) fn take_back(folder: &Path, from: Owner) -> io::Result<()> {
    let name = name_of(folder)?;
    let node = Node::open(CWD, &name)?;
    node.set_mode(0o700)?;
    take_in(&mut folder_at(CWD, &name)?, 0, from)?;
    take(&node, from)
}

fn take_in(folder: &mut Dir, depth: usize, from: Owner) -> io::Result<()> {
    if depth > DEPTH_MAX {
        return Err(too_deep());
    }
    while let Some(name) = next_name(folder)? {
        let node = Node::open(folder.fd()?, &name)?;
        if node.stat.st_uid != from.user {
            // A second name of somebody else's file: it is not for us to open up.
            continue;
        }
        if node.kind() == FileType::Directory {
            if node.stat.st_mode & 0o700 != 0o700 {
                node.set_mode(0o700)?;
            }
            take_in(&mut folder_at(folder.fd()?, &name)?, depth + 1, from)?;
        }
        take(&node, from)?;
    }
    Ok(())
}

fn take(node: &Node, from: Owner) -> io::Result<()> {
    let own = Owner::this();
    if from != own {
        give(node, own)?;
    }
    let mode = node.stat.st_mode & 0o7777;
    let wanted = match node.kind() {
        FileType::Directory => 0o755,
        FileType::Symlink => return Ok(()),
        _ if from == own => mode & 0o755,
        _ => 0o644 | if mode & 0o100 == 0 { 0 } else { 0o111 },
    };
    // Of a file that changes hands the kernel has taken some of it already.
    if wanted != mode || from != own { node.set_mode(wanted) } else { Ok(()) }
}
