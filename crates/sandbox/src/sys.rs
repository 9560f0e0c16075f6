//! The one place with unsafe code: what the launcher needs of the system and has no safe wrapper.
//!
//! All of it is for the launcher, a process of one thread that this program starts anew (see [`crate::warden`]), so what makes
//! `fork` and namespaces dangerous elsewhere, other threads that hold locks or share tables, is not there. Each function
//! that relies on this asks [`is_single_threaded`] first.
#![expect(unsafe_code, reason = "fork, unshare, mount_setattr and closing ranges of descriptors have no safe wrapper")]

use std::{
    fs, io,
    mem::ManuallyDrop,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    process::Command,
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    mount::MountAttrFlags,
    process::{Pid, Signal, set_parent_process_death_signal},
    thread::{Uid, UnshareFlags},
};

/// Which of the two processes that [`fork`] leaves one is.
pub(crate) enum Forked {
    /// The one that called it, with the id of the other.
    Parent(Pid),
    /// The new one.
    Child,
}

/// Makes a copy of this process, which must have one thread.
pub(crate) fn fork() -> io::Result<Forked> {
    is_single_threaded()?;
    // SAFETY: there is one thread, so the copy finds no lock held by a thread that it lacks.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        id => Ok(Forked::Parent(Pid::from_raw(id).expect("the id of a process is positive"))),
    }
}

/// Makes a copy of this process, which must have one thread, that is a child of this process's parent. The copy may end, fork and
/// start programs, and must not start threads.
pub(crate) fn fork_beside() -> io::Result<Forked> {
    is_single_threaded()?;
    let flags = libc::c_long::from(libc::CLONE_PARENT | libc::SIGCHLD);
    let none: libc::c_long = 0;
    // SAFETY: as with `fork`: memory is copied, and no other thread holds a lock. The C library's own `fork` cannot name the parent; what
    // it does beyond the call is to note the new id for its thread functions, which the copy does not use.
    match unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        id => {
            let id = i32::try_from(id).ok().and_then(Pid::from_raw);
            Ok(Forked::Parent(id.expect("the id of a process is positive and small")))
        }
    }
}

/// Has the system keep the ends of this process's children until they are asked for, also where whoever started it ignored them.
pub(crate) fn keep_ends_of_children() -> io::Result<()> {
    // SAFETY: it names a disposition and no function.
    match unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) } {
        libc::SIG_ERR => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Closes the descriptors from `first` on. To be called before anything in this process has opened one.
pub(crate) fn close_from(first: RawFd) -> io::Result<()> {
    is_single_threaded()?;
    let first = libc::c_uint::try_from(first).map_err(io::Error::other)?;
    // SAFETY: nothing in this process owns a descriptor yet: they are all those that it was started with.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Moves this process, which must have one thread, into new namespaces. `flags` are kinds of namespaces only.
pub(crate) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    is_single_threaded()?;
    let flags = flags.difference(UnshareFlags::FILES | UnshareFlags::FS | UnshareFlags::SYSVSEM);
    // SAFETY: the table of descriptors stays shared with nobody, as there is one thread and FILES is not among the flags.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// Opens and makes files as `user` from now on, which must be one that this process may be.
pub(crate) fn set_file_user(user: Uid) -> io::Result<()> {
    is_single_threaded()?;
    // SAFETY: it changes a number of this thread, the only one. It answers with the one before, whether it did so or not.
    let now = unsafe {
        libc::setfsuid(user.as_raw());
        libc::setfsuid(user.as_raw())
    };
    if u32::try_from(now) == Ok(user.as_raw()) { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// Puts nothing in the place of `file`, which somebody else in this process owns and does not use any more.
pub(crate) fn put_nothing_at(file: impl AsFd) -> io::Result<()> {
    is_single_threaded()?;
    let nothing = fs::File::open("/dev/null")?;
    // SAFETY: the number stays open, and it is not closed here; its owner closes what lies there then.
    let mut place = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(file.as_fd().as_raw_fd()) });
    rustix::io::dup2(nothing, &mut place)?;
    Ok(fcntl_setfd(&*place, FdFlags::CLOEXEC)?)
}

/// Makes the program of `command` die with this process.
pub(crate) fn die_with_parent(command: &mut Command) {
    // SAFETY: it makes one system call: it neither allocates nor takes locks.
    unsafe { command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?)) };
}

/// Keeps the descriptors from `first` on from programs that this process starts: those that nobody knows of, which whoever
/// started the server left open.
pub(crate) fn keep_from_programs(first: RawFd) -> io::Result<()> {
    let first = libc::c_uint::try_from(first).map_err(io::Error::other)?;
    // SAFETY: it closes nothing here; it only sets a flag on what is open.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sets `attributes` for the mount at `mount` and all below it, or for it alone. Nothing is cleared but what `clear` names.
pub(crate) fn set_mount_attributes(
    mount: impl AsFd,
    attributes: MountAttrFlags,
    clear: MountAttrFlags,
    is_recursive: bool,
) -> io::Result<()> {
    let request = libc::mount_attr {
        attr_set: u64::from(attributes.bits()),
        attr_clr: u64::from(clear.bits()),
        propagation: 0,
        userns_fd: 0,
    };
    let flags = libc::AT_EMPTY_PATH | if is_recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is an empty C string, and the request lives and has the size that is said.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const request,
            size_of::<libc::mount_attr>(),
        )
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn is_single_threaded() -> io::Result<()> {
    // SAFETY: `unshare` of a thread's own membership in its process changes nothing, and is refused where there are others.
    if unsafe { libc::unshare(libc::CLONE_THREAD) } == 0 {
        return Ok(());
    }
    // In a container the call may be refused whatever is asked of it; nothing was put over `/proc` then.
    let is_refused = io::Error::last_os_error().raw_os_error() != Some(libc::EINVAL);
    if is_refused && fs::read_dir("/proc/self/task")?.count() == 1 {
        return Ok(());
    }
    Err(io::Error::other("this may be called only in a process with one thread"))
}
