//! The one place with unsafe code: what happens in the child between fork and exec, and waiting for a descriptor.
//!
//! A worker without a sandbox finds its channel at the descriptors 3, 4 and 5. They are put there after the fork, so what lies there in the
//! child must be of no use any more: [`reserve`] makes sure that the pipe through which the standard library learns
//! whether exec succeeded never gets one of these numbers, and the descriptors to hand over are first raised above them.
#![expect(
    unsafe_code,
    reason = "there is no safe way to run code between fork and exec, nor to register a descriptor with tokio"
)]

use std::{
    io,
    mem::ManuallyDrop,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    process::Command,
    sync::OnceLock,
};

use rustix::{
    io::{dup2, fcntl_dupfd_cloexec},
    process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit, setsid},
    thread::set_no_new_privs,
};
use tokio::io::{Interest, unix::AsyncFd};

const FIRST: RawFd = 3;
const LAST: RawFd = 5;

/// Occupies the descriptors 3 to 5 of this process for good, as far as they are free.
pub(crate) fn reserve() -> io::Result<()> {
    static RESERVED: OnceLock<Vec<OwnedFd>> = OnceLock::new();
    if RESERVED.get().is_some() {
        return Ok(());
    }
    let mut kept = Vec::new();
    loop {
        let file = OwnedFd::from(std::fs::File::open("/dev/null")?);
        if file.as_raw_fd() > LAST {
            break;
        }
        kept.push(file);
    }
    // Losing a race only means that the other's are kept.
    let _ = RESERVED.set(kept);
    Ok(())
}

/// Makes `command` start in a session of its own that dies with the calling thread, without core dumps and new
/// privileges, with `handed` as its descriptors from 3 on (three at most).
pub(crate) fn prepare(command: &mut Command, handed: &[OwnedFd]) -> io::Result<()> {
    let raised = handed.iter().map(|file| fcntl_dupfd_cloexec(file, LAST + 1)).collect::<Result<Vec<_>, _>>()?;
    let in_child = move || {
        setsid()?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        set_no_new_privs(true)?;
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
        for (number, file) in (FIRST..).zip(&raised) {
            // SAFETY: the child owns its whole table of descriptors, `number` is one of 3 to 5, which nothing in the child uses
            // (see `reserve`), and it is not closed here.
            let mut target = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(number) });
            dup2(file, &mut target)?;
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls only: it neither allocates nor takes locks.
    unsafe { command.pre_exec(in_child) };
    Ok(())
}

/// Makes it possible to wait until `file` is readable.
pub(crate) fn watch(file: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` keeps its descriptor open and always gives the same one.
    Ok(unsafe { AsyncFd::register_with_interest(file, Interest::READABLE) }?)
}
