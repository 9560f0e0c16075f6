//! Ending what a program has left, where the inside has no processes of its own that the kernel would end with the first of them.
//!
//! Init is the one to whom processes fall whose parents have ended, and the warden is the one to whom they fall when init has. So all that
//! is left of the inside are children of the warden then, or below such.

use std::{fs, io};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid};

/// A program that forks faster than this may end its processes gets away with some.
const ROUNDS_MAX: u32 = 10_000;

/// Makes those that lose their parents children of this process.
pub(super) fn adopt() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Kills and reaps all children of this process, and those that become its children by that.
pub(super) fn end_all() {
    for _ in 0..ROUNDS_MAX {
        let killed: Vec<Pid> = children().into_iter().filter(|it| kill_process(*it, Signal::KILL).is_ok()).collect();
        if killed.is_empty() {
            return;
        }
        for child in killed {
            let _ = waitpid(Some(child), WaitOptions::empty());
        }
    }
}

fn children() -> Vec<Pid> {
    let own = getpid().as_raw_nonzero();
    let text = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)).collect()
}
