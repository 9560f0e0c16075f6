//! The tree of files of the inside.
//!
//! ```text
//! /                    tmpfs, a few KiB, read-only at last
//! ├ usr, etc/ssl, …    the machine's, read-only
//! ├ etc/passwd, …      made up
//! ├ tmp, dev/shm       one tmpfs with a limit, to be written
//! ├ …                  empty folders over what must not be seen of it
//! ├ …                  folders of the machine that may be written, over what is there otherwise
//! ├ dev/null, …        the machine's
//! └ proc               of the inside's own processes, with empty files in the place of some
//! ```
//!
//! What is to be shown is opened while the machine's files can still be seen and with the rights of whoever started the
//! warden; all the rest happens as the user of the inside.

use std::{
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::{DirBuilderExt, PermissionsExt, symlink},
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{CWD, FileType, fstat},
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
        fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount, move_mount, open_tree, unmount,
    },
    process::{chdir, pivot_root},
};

use super::{exchange::Brought, init::impossible};
use crate::{
    control::{Failure, Step as _},
    plan::{Exchange, View, Writable},
    sys::set_mount_attributes,
};

/// Where the root is built: a folder that each machine has, covered only in this namespace.
const SITE: &str = "/proc";
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const DEVICE_LINKS: [(&str, &str); 4] = [
    ("dev/fd", "/proc/self/fd"),
    ("dev/stdin", "/proc/self/fd/0"),
    ("dev/stdout", "/proc/self/fd/1"),
    ("dev/stderr", "/proc/self/fd/2"),
];
/// What in `/proc` tells everybody of the machine and its kernel, and what programs have no use for.
const HIDDEN: [&str; 8] =
    ["cmdline", "interrupts", "kallsyms", "keys", "latency_stats", "modules", "sched_debug", "timer_list"];
/// The root holds empty folders, links and a few small files.
const ROOT_BYTES: u64 = 1 << 20;
/// Files that the scratch space holds at most: as many as it has pieces of this size.
const BYTES_A_FILE: u64 = 4096;
/// Where the scratch space is before its parts are in their places.
const SCRATCH: &str = "scratch";

/// What is shown may not be changed, nor make anybody somebody else.
fn shown_attributes() -> MountAttrFlags {
    MountAttrFlags::MOUNT_ATTR_RDONLY | MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV
}

/// A file or folder of the machine, opened to be put up somewhere else.
pub(super) struct Source {
    mount: OwnedFd,
    /// Where it is to be seen.
    path: PathBuf,
}

impl Source {
    /// Opens `path` with all that is mounted below it, not to be written. `None` when it does not exist.
    pub fn open(path: &Path) -> io::Result<Option<Source>> {
        Source::with(path, shown_attributes())
    }

    fn with(path: &Path, attributes: MountAttrFlags) -> io::Result<Option<Source>> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
        let mount = match open_tree(CWD, path, flags) {
            Ok(mount) => mount,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        set_mount_attributes(&mount, attributes, MountAttrFlags::empty(), true)?;
        Ok(Some(Source { mount, path: path.to_owned() }))
    }

    /// Opens what may be written.
    fn writable(folder: &Writable) -> io::Result<Source> {
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        let found = Source::with(&folder.outside, attributes)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(Source { path: folder.inside.clone(), ..found })
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> io::Result<bool> {
        Ok(FileType::from_raw_mode(fstat(&self.mount)?.st_mode) == FileType::Directory)
    }

    /// Puts it up at the existing `place`.
    pub fn put_up(&self, place: &Path) -> io::Result<()> {
        put_up(&self.mount, place)
    }
}

fn put_up(mount: impl AsFd, place: &Path) -> io::Result<()> {
    Ok(move_mount(mount, "", CWD, place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
}

/// All that is to be shown, opened.
pub(super) struct Sources {
    shown: Vec<Source>,
    devices: Vec<Source>,
}

impl Sources {
    /// Opens them.
    pub fn open(view: &View) -> Result<Sources, Failure> {
        let mut paths = view.shown.clone();
        paths.sort();
        paths.dedup();
        let mut shown: Vec<Source> = Vec::new();
        for path in paths {
            inside(&path).step("read the view")?;
            if shown.iter().any(|other| view.shows_by(&other.path, &path)) {
                continue;
            }
            shown.extend(Source::open(&path).step(&format!("show {}", path.display()))?);
        }
        for folder in &view.writable {
            inside(&folder.inside).step("read the view")?;
            shown.push(Source::writable(folder).step(&format!("give {}", folder.outside.display()))?);
        }
        // Each after those that it lies in, and one that may be written over one of the same place that may not.
        shown.sort_by(|one, other| one.path.cmp(&other.path));
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let mut devices = Vec::new();
        for device in DEVICES {
            let path = Path::new("/dev").join(device);
            devices.extend(Source::with(&path, attributes).step(&format!("show {}", path.display()))?);
        }
        Ok(Sources { shown, devices })
    }
}

/// The new root, while it is being built: the current folder.
pub(super) struct Root(());

impl Root {
    /// Builds all of it but `/proc`.
    pub fn build(view: &View, sources: Sources) -> Result<Root, Failure> {
        let site = Path::new(SITE);
        // It may be written until it is entered.
        put_up(tmpfs(ROOT_BYTES).step("make a file system in memory")?, site).step("put up the root")?;
        chdir(site).step("enter the root")?;
        let root = Root(());
        root.scratch(view.scratch_bytes).step("make the scratch space")?;
        for folder in ["proc", "dev", "etc"] {
            make_folder(Path::new(folder)).step("make a folder")?;
        }
        let mut covered: Vec<&PathBuf> = view.covered().collect();
        covered.sort();
        let mut covers = covered.iter().peekable();
        for source in sources.shown.iter().chain(&sources.devices) {
            // Each over what it lies in, and under what is shown in it.
            while let Some(folder) = covers.next_if(|folder| **folder <= &source.path) {
                root.cover(folder).step(&format!("cover {}", folder.display()))?;
            }
            root.show(source).step(&format!("show {}", source.path.display()))?;
        }
        for (link, target) in &view.links {
            root.link(link, target).step(&format!("make the link {}", link.display()))?;
        }
        for (link, target) in DEVICE_LINKS {
            symlink(target, link).step("make the links of the devices")?;
        }
        for (path, content) in &view.files {
            root.write(path, content).step(&format!("make {}", path.display()))?;
        }
        for folder in covered {
            let close = || close_for_writing(&inside(folder)?);
            close().step(&format!("close {} for writing", folder.display()))?;
        }
        Ok(root)
    }

    fn scratch(&self, bytes: u64) -> io::Result<()> {
        make_folder(Path::new(SCRATCH))?;
        put_up(tmpfs(bytes)?, Path::new(SCRATCH))?;
        for (name, place) in [("tmp", "tmp"), ("shm", "dev/shm")] {
            let part = Path::new(SCRATCH).join(name);
            fs::create_dir(&part)?;
            fs::set_permissions(&part, fs::Permissions::from_mode(0o1777))?;
            make_folder(Path::new(place))?;
            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
            put_up(open_tree(CWD, &part, flags)?, Path::new(place))?;
        }
        unmount(SCRATCH, UnmountFlags::DETACH)?;
        fs::remove_dir(SCRATCH)
    }

    fn cover(&self, folder: &Path) -> io::Result<()> {
        let place = inside(folder)?;
        make_folder(&place)?;
        put_up(tmpfs(ROOT_BYTES)?, &place)
    }

    fn show(&self, source: &Source) -> io::Result<()> {
        let place = inside(&source.path)?;
        if source.is_folder()? {
            make_folder(&place)?;
        } else {
            make_folder(place.parent().unwrap_or(Path::new(".")))?;
            fs::File::create(&place)?;
        }
        source.put_up(&place)
    }

    fn link(&self, link: &Path, target: &Path) -> io::Result<()> {
        let place = inside(link)?;
        make_folder(place.parent().unwrap_or(Path::new(".")))?;
        symlink(target, place)
    }

    fn write(&self, path: &Path, content: &str) -> io::Result<()> {
        let place = inside(path)?;
        make_folder(place.parent().unwrap_or(Path::new(".")))?;
        fs::write(place, content)
    }

    /// Puts what was read of the exchange in its place.
    pub fn place(&self, exchange: &Exchange, brought: &Brought) -> io::Result<()> {
        let folder = inside(&exchange.inside)?;
        make_folder(&folder)?;
        for file in brought {
            let path = folder.join(&file.name);
            fs::write(&path, &file.content)?;
            fs::set_permissions(path, fs::Permissions::from_mode(file.mode))?;
        }
        Ok(())
    }

    /// Makes it the root of this process and lets go of the old one, for good.
    pub fn enter(self, has_processes: bool) -> Result<(), Failure> {
        if has_processes {
            // The kernel allows this only as long as the machine's own is to be seen.
            let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
            mount("proc", "proc", "proc", flags, None).step("put up /proc")?;
            for name in HIDDEN {
                hide(&Path::new("proc").join(name)).step(&format!("hide /proc/{name}"))?;
            }
        }
        pivot_root(".", ".").step("enter the root")?;
        unmount(".", UnmountFlags::DETACH).step("let go of the machine's files")?;
        chdir("/").step("enter the root")?;
        close_for_writing(Path::new("/")).step("close the root for writing")
    }
}

/// Puts an empty file over the one at `place`, if there is one.
fn hide(place: &Path) -> io::Result<()> {
    if !place.exists() {
        return Ok(());
    }
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    put_up(open_tree(CWD, "dev/null", flags)?, place)
}

/// Makes the one mount at `place` read-only.
fn close_for_writing(place: &Path) -> io::Result<()> {
    let mount = open_tree(CWD, place, OpenTreeFlags::OPEN_TREE_CLOEXEC)?;
    set_mount_attributes(&mount, MountAttrFlags::MOUNT_ATTR_RDONLY, MountAttrFlags::empty(), false)
}

fn tmpfs(bytes: u64) -> io::Result<OwnedFd> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "size", bytes.to_string())?;
    fsconfig_set_string(&context, "nr_inodes", (bytes / BYTES_A_FILE).max(64).to_string())?;
    fsconfig_set_string(&context, "mode", "0755")?;
    fsconfig_create(&context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

/// A path of the inside as seen from the root that is being built. Those that are not plain are refused.
fn inside(path: &Path) -> io::Result<PathBuf> {
    let mut components = path.components();
    let is_plain = components.next() == Some(Component::RootDir)
        && components.clone().next().is_some()
        && components.clone().all(|component| matches!(component, Component::Normal(_)));
    if is_plain {
        return Ok(components.as_path().to_owned());
    }
    Err(impossible("", &format!("{} is no plain path", path.display())).into())
}

fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)
}
