//! Which user a program is outside of its sandbox.

use std::{
    fs, io,
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::process::{Pid, getegid, geteuid};

use crate::warden::INSIDE_ID;

/// The first of the users that programs of a server that runs as root are: a range that distributions leave free.
const FIRST: u32 = 0x7000_0000;
/// How many users there are, taken in turn.
const COUNT: u32 = 1 << 16;
/// Where that range cannot be used, as within a container: the user that is nobody everywhere.
const NOBODY: u32 = 65534;

/// Gives each program a user.
#[derive(Debug)]
pub struct Users {
    range: Range,
    next: AtomicU32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// This process is an ordinary user: it has no other to give.
    Own,
    /// So many from this one on.
    From(u32, u32),
    /// It is root, and there is no other user that it could give.
    None,
}

/// A program's user and group outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Those of the server, which is an ordinary user.
    Own,
    /// Both of this number.
    Other(u32),
}

impl Users {
    /// As this process can give them. The error says why root has none to give.
    pub fn new() -> Result<Users, String> {
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        match range(geteuid().is_root(), &map) {
            Range::None => Err("root has no other user here: its user namespace maps none".to_owned()),
            range => Ok(Users { range, next: AtomicU32::new(0) }),
        }
    }

    /// The next program's. Programs that run at the same time mostly have different ones.
    pub fn next(&self) -> Ids {
        match self.range {
            Range::From(first, count) => Ids::Other(first + self.next.fetch_add(1, Ordering::Relaxed) % count),
            Range::Own | Range::None => Ids::Own,
        }
    }
}

/// `map` is this process's `uid_map`: lines of first id here, first id outside, count.
fn range(is_root: bool, map: &str) -> Range {
    if !is_root {
        return Range::Own;
    }
    let lines = map.lines().filter_map(|line| {
        let mut numbers = line.split_ascii_whitespace().map(|number| number.parse::<u64>().ok());
        let (first, _, count) = (numbers.next()??, numbers.next()??, numbers.next()??);
        Some(first..first + count)
    });
    let known: Vec<_> = lines.collect();
    let has = |first: u32, count: u32| {
        let (first, last) = (u64::from(first), u64::from(first) + u64::from(count) - 1);
        known.iter().any(|range| range.contains(&first) && range.contains(&last))
    };
    if has(FIRST, COUNT) {
        Range::From(FIRST, COUNT)
    } else if has(NOBODY, 1) {
        Range::From(NOBODY, 1)
    } else {
        Range::None
    }
}

/// Makes the inside's user of the process `pid` the outside's `ids`. It is in a new user namespace and waits.
pub(crate) fn map(pid: Pid, ids: Ids) -> io::Result<()> {
    let pid = pid.as_raw_nonzero();
    let write = |file: &str, text: &str| fs::write(format!("/proc/{pid}/{file}"), text);
    let (user, group) = match ids {
        Ids::Own => {
            // Otherwise a program could give up a group that is denied something.
            write("setgroups", "deny")?;
            (geteuid().as_raw(), getegid().as_raw())
        }
        Ids::Other(id) => (id, id),
    };
    write("uid_map", &format!("{INSIDE_ID} {user} 1\n"))?;
    write("gid_map", &format!("{INSIDE_ID} {group} 1\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_gives_a_free_range_or_nobody_or_nothing() {
        assert_eq!(range(true, "0 0 4294967295\n"), Range::From(FIRST, COUNT));
        assert_eq!(range(true, "0 100000 65536\n"), Range::From(NOBODY, 1));
        assert_eq!(range(true, "0 1000 1\n"), Range::None);
        assert_eq!(range(false, "0 0 4294967295\n"), Range::Own);
    }
}
