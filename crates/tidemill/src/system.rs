//! The machine: its clock and randomness behind the ports of the core, and what this process is allowed and gives to files.

use std::{cell::RefCell, time::SystemTime};

use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, getrlimit, setrlimit, umask},
};
use tidemill_core::{
    Timestamp,
    ports::{Clock, Rng},
};

/// Allows as many open files as this process may have: each connection is one. Shells give far fewer at first.
pub fn raise_open_files() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}

/// Lets others read the files that are made from now on. Functions do, which are other users than the server; what is nobody
/// else's lies in the data folder, which is closed, or is made with a mode of its own.
pub fn open_new_files() {
    umask(Mode::WGRP | Mode::WOTH);
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

const POOL_BYTES: usize = 2048;
const DRAW_BYTES: usize = 16;

/// Randomness of the operating system, drawn in blocks by each thread, because a system call for each id would show in
/// the rate of accepted events.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

struct Pool {
    bytes: [u8; POOL_BYTES],
    used: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES }) };
}

impl Rng for SystemRng {
    fn bits(&self) -> u128 {
        POOL.with_borrow_mut(|pool| {
            if pool.used == POOL_BYTES {
                getrandom::fill(&mut pool.bytes).expect("the system gives randomness once it is up");
                pool.used = 0;
            }
            let mut draw = [0; DRAW_BYTES];
            draw.copy_from_slice(&pool.bytes[pool.used..pool.used + DRAW_BYTES]);
            pool.used += DRAW_BYTES;
            u128::from_le_bytes(draw)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn draws_differ_across_pools() {
        let draws: BTreeSet<u128> = (0..POOL_BYTES).map(|_| SystemRng.bits()).collect();
        assert_eq!(draws.len(), POOL_BYTES);
    }

    #[test]
    fn the_clock_is_of_this_century() {
        assert!(SystemClock.now() > Timestamp::parse_rfc3339("2024-01-01T00:00:00Z").unwrap());
    }
}
