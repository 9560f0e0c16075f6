//! The process that launchers are copies of. See [`crate::template`] for the talk.
//!
//! It knows nothing of any program: it has its socket, no environment and no other descriptor of the server's.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
    process::ExitCode,
};

use rustix::{
    io::fcntl_dupfd_cloexec,
    process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit, setsid},
};

use super::{
    attend::{HANDED_FIRST, attend, standard_input},
    seccomp,
};
use crate::{
    control::Control,
    sys::{Forked, close_from, fork_beside, keep_ends_of_children},
    template::{answer, next},
};

/// Comes back in the template when it is needed no more, and in each copy when its program has ended.
pub(super) fn serve() -> io::Result<ExitCode> {
    // What the server was started with and knows nothing of.
    close_from(HANDED_FIRST)?;
    keep_ends_of_children()?;
    let socket = standard_input()?;
    setsid()?;
    // Should it have been stopped, it does not hear that its socket is closed.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    rustix::thread::set_no_new_privs(true)?;
    // Copies have it then. If it cannot be made, they say so.
    let _ = seccomp::made();
    while let Some(files) = next(&socket)? {
        let copy = match fork_beside() {
            Ok(Forked::Child) => {
                drop(socket);
                return launch(files);
            }
            Ok(Forked::Parent(copy)) => Ok(copy),
            Err(error) => Err(error),
        };
        drop(files);
        answer(&socket, &copy)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The life of a copy, as that of a launcher that was started with `files` from 0 on.
fn launch(mut files: Vec<OwnedFd>) -> io::Result<ExitCode> {
    setsid()?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let standard = HANDED_FIRST.unsigned_abs() as usize;
    if files.len() <= standard || files.iter().any(|file| file.as_raw_fd() < HANDED_FIRST) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut further = files.split_off(standard);
    let control = further.pop().ok_or(io::ErrorKind::InvalidData)?;
    let [input, output, errors] = <[OwnedFd; 3]>::try_from(files).map_err(|_| io::ErrorKind::InvalidData)?;
    rustix::stdio::dup2_stdin(&input)?;
    rustix::stdio::dup2_stdout(&output)?;
    rustix::stdio::dup2_stderr(&errors)?;
    drop((input, output, errors));
    // The program finds its own where a launcher that was started has them. What lay there is closed by now: the
    // template's socket, and those just put into their places.
    let mut handed = Vec::new();
    for (number, file) in (HANDED_FIRST..).zip(further) {
        let placed = fcntl_dupfd_cloexec(&file, number)?;
        if placed.as_raw_fd() != number {
            return Err(io::ErrorKind::InvalidData.into());
        }
        handed.push(placed);
    }
    attend(&Control::new(control), handed)
}
