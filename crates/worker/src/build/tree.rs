//! Trees of files that a stranger's program has written: counting, giving to somebody else, removing.
//!
//! Nothing in such a tree is believed. Links are never followed, and each step goes down from the folder that is open rather than by
//! a path, so that what is swapped for a link meanwhile leads nowhere. Folders may nest deeper than any path is long; the
//! depth is bounded, and removal brings what lies deeper up first.

use std::{
    ffi::CStr,
    fs, io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Uid, chownat, fstat, openat, renameat, unlinkat},
    io::Errno,
};

/// How deep folders may nest. Each level takes a descriptor.
const DEPTH_MAX: usize = 128;

/// What a tree takes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub bytes: u64,
    /// Files, folders and whatever else has a name.
    pub entries: u64,
}

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

/// Something of a tree, open for looking only.
struct Node {
    file: OwnedFd,
    stat: Stat,
}

impl Node {
    fn open(folder: impl AsFd, name: &CStr) -> io::Result<Node> {
        let file = openat(folder, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let stat = fstat(&file)?;
        Ok(Node { file, stat })
    }

    fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    fn bytes(&self) -> u64 {
        u64::try_from(self.stat.st_blocks).unwrap_or(0) * 512
    }

    /// Links have no mode of their own.
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        fs::set_permissions(format!("/proc/self/fd/{}", self.file.as_raw_fd()), fs::Permissions::from_mode(mode))
    }
}

fn folder_at(parent: impl AsFd, name: &CStr) -> io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(Dir::new(openat(parent, name, flags, Mode::empty())?)?)
}

fn name_of(path: &Path) -> io::Result<std::ffi::CString> {
    use std::os::unix::ffi::OsStrExt;
    Ok(std::ffi::CString::new(path.as_os_str().as_bytes())?)
}

fn too_deep() -> io::Error {
    io::Error::other(format!("it nests folders deeper than {DEPTH_MAX}"))
}

/// The names in `folder`.
fn names(folder: &mut Dir) -> impl Iterator<Item = io::Result<std::ffi::CString>> {
    let is_real = |entry: &rustix::fs::DirEntry| !matches!(entry.file_name().to_bytes(), b"." | b"..");
    folder.filter_map(move |entry| match entry {
        Ok(entry) => is_real(&entry).then(|| Ok(entry.file_name().to_owned())),
        Err(error) => Some(Err(error.into())),
    })
}

/// Counts what lies in `folder`; what vanishes meanwhile counts nothing. The error says that it nests too deep, or that
/// not all of it can be looked at.
pub(crate) fn count(folder: &Path) -> io::Result<Taken> {
    let mut taken = Taken::default();
    if let Some(mut opened) = unless_gone(folder_at(CWD, &name_of(folder)?))? {
        count_in(&mut opened, 0, &mut taken)?;
    }
    Ok(taken)
}

fn unless_gone<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(io::Error::other("it closed a folder to whoever counts what is in it"))
        }
        Err(_) => Ok(None),
    }
}

fn count_in(folder: &mut Dir, depth: usize, taken: &mut Taken) -> io::Result<()> {
    if depth > DEPTH_MAX {
        return Err(too_deep());
    }
    let list: Vec<_> = names(folder).filter_map(Result::ok).collect();
    for name in list {
        let Some(node) = unless_gone(Node::open(folder.fd()?, &name))? else { continue };
        taken.entries += 1;
        taken.bytes += node.bytes();
        if node.kind() == FileType::Directory
            && let Some(mut inner) = unless_gone(folder_at(folder.fd()?, &name))?
        {
            count_in(&mut inner, depth + 1, taken)?;
        }
    }
    Ok(())
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
    let list: Vec<_> = names(folder).collect::<io::Result<_>>()?;
    for name in list {
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
    let list: Vec<_> = names(folder).collect::<io::Result<_>>()?;
    for name in list {
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

/// Removes `folder` and all in it, however deep it is and whatever its folders allow. One that is not there is removed already.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    let mut waiting = vec![folder.to_owned()];
    let mut brought_up = 0u64;
    while let Some(next) = waiting.pop() {
        let name = name_of(&next)?;
        let opened = match Node::open(CWD, &name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        if opened.kind() != FileType::Directory {
            fs::remove_file(&next)?;
            continue;
        }
        let _ = opened.set_mode(0o700);
        let mut bring_up = |parent: &Dir, name: &CStr| {
            brought_up += 1;
            let mut place = folder.as_os_str().to_owned();
            place.push(format!(".deep-{brought_up}"));
            let place = PathBuf::from(place);
            renameat(parent.fd()?, name, CWD, &place)?;
            waiting.push(place);
            Ok(())
        };
        remove_in(&mut folder_at(CWD, &name)?, 0, &mut bring_up)?;
        fs::remove_dir(&next)?;
    }
    Ok(())
}

fn remove_in(
    folder: &mut Dir,
    depth: usize,
    bring_up: &mut dyn FnMut(&Dir, &CStr) -> io::Result<()>,
) -> io::Result<()> {
    let list: Vec<_> = names(folder).collect::<io::Result<_>>()?;
    for name in list {
        let removed = match unlinkat(folder.fd()?, &name, AtFlags::empty()) {
            // The one is Linux's answer for a folder, the other everybody else's.
            Err(Errno::ISDIR | Errno::PERM) => {
                let _ = Node::open(folder.fd()?, &name).and_then(|node| node.set_mode(0o700));
                if depth == DEPTH_MAX {
                    bring_up(folder, &name)?;
                    continue;
                }
                remove_in(&mut folder_at(folder.fd()?, &name)?, depth + 1, bring_up)?;
                unlinkat(folder.fd()?, &name, AtFlags::REMOVEDIR)
            }
            other => other,
        };
        match removed {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Copies the folder `from`, whose files nobody changes, to the new folder `to`.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &place)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_tree_of_any_depth_is_counted_or_refused_and_removed() {
        let home = tempfile::tempdir().unwrap();
        let top = home.path().join("top");
        fs::create_dir(&top).unwrap();
        fs::write(top.join("file"), vec![1; 100_000]).unwrap();
        let taken = count(&top).unwrap();
        assert!(taken.entries == 1 && taken.bytes >= 100_000, "{taken:?}");
        let mut folder = OwnedFd::from(fs::File::open(&top).unwrap());
        for _ in 0..1000 {
            rustix::fs::mkdirat(&folder, "a-name-that-makes-paths-long", Mode::RWXU).unwrap();
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            folder = openat(&folder, "a-name-that-makes-paths-long", flags, Mode::empty()).unwrap();
        }
        rustix::fs::fchmod(&folder, Mode::empty()).unwrap();
        assert!(count(&top).is_err() && take_back(&top, Owner::this()).is_err());
        remove(&top).unwrap();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        remove(&top).unwrap();
    }

    #[test]
    fn what_is_taken_back_has_no_power_and_links_are_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let (top, other) = (home.path().join("top"), home.path().join("other"));
        fs::create_dir_all(top.join("closed")).unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        fs::write(&other, "").unwrap();
        mode(&other, 0o640);
        symlink(&other, top.join("link")).unwrap();
        fs::write(top.join("closed/program"), "").unwrap();
        mode(&top.join("closed/program"), 0o6777);
        mode(&top.join("closed"), 0);
        take_back(&top, Owner::this()).unwrap();
        let mode_of = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode_of(&top.join("closed/program")), 0o755);
        assert_eq!(mode_of(&top.join("closed")), 0o755);
        assert_eq!(mode_of(&other), 0o640);
    }

    #[test]
    fn a_copy_has_links_and_modes() {
        let home = tempfile::tempdir().unwrap();
        let (from, to) = (home.path().join("from"), home.path().join("to"));
        fs::create_dir_all(from.join("a")).unwrap();
        fs::write(from.join("a/program"), "x").unwrap();
        fs::set_permissions(from.join("a/program"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("a/program", from.join("link")).unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("a/program"));
        assert_eq!(fs::metadata(to.join("link")).unwrap().permissions().mode() & 0o777, 0o755);
    }
}
