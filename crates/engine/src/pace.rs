//! How fast a revision's calls are, and what follows from it.
//!
//! A worker with one slot can be handed its next calls before it has answered the former one: they wait in its socket, and
//! it goes on without waiting for us. That pays where calls are short and alike, and harms where one is long: those
//! behind it wait though another worker may be free. So only a revision whose calls have been fast without exception
//! lately is run ahead, by so much that little time lies in a socket.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use tidemill_core::time::micros;

/// Calls that must have been seen before any is run ahead.
const SEEN_MIN: u32 = 64;
/// Time that calls handed over ahead may take in all.
const AHEAD_US: u64 = 1_000;
/// One call that took longer than this stops running ahead until it is forgotten: after some thousand calls.
const SLOW_US: u64 = 50_000;

/// Bodies count as time, at this rate: 100 MB a second. It is not about speed: calls with large bodies that are run ahead
/// all have their replies in memory at once.
const BYTES_PER_US: u64 = 100;

/// Moving figures of a revision's calls. Updates may get lost between threads: they are estimates.
#[derive(Default)]
pub(crate) struct Pace {
    seen: AtomicU32,
    /// Mean time in user code, in µs; 0 before the first.
    mean_us: AtomicU64,
    /// The slowest of late, in µs, slowly forgotten.
    slowest_us: AtomicU64,
}

impl Pace {
    /// A call spent `user_code` in user code and moved `bytes` of bodies.
    pub fn observe(&self, user_code: Duration, bytes: usize) {
        let user_code = micros(user_code);
        let sample = user_code.saturating_add(bytes as u64 / BYTES_PER_US).max(1);
        let mean = self.mean_us.load(Ordering::Relaxed);
        let next = if mean == 0 { sample } else { mean - mean / 8 + sample / 8 };
        self.mean_us.store(next.max(1), Ordering::Relaxed);
        let slowest = self.slowest_us.load(Ordering::Relaxed);
        self.slowest_us.store(sample.max(slowest - slowest / 256), Ordering::Relaxed);
        let seen = self.seen.load(Ordering::Relaxed);
        self.seen.store(seen.saturating_add(1), Ordering::Relaxed);
    }

    /// A call broke its worker: whatever was handed over ahead suffered with it.
    pub fn broke(&self) {
        self.seen.store(0, Ordering::Relaxed);
    }

    /// Mean time in user code, in µs: at least 1. `None` before the first call.
    pub fn mean_us(&self) -> Option<u64> {
        Some(self.mean_us.load(Ordering::Relaxed)).filter(|mean| *mean > 0)
    }

    /// How many calls may be handed to a busy worker, `max` at most.
    pub fn ahead(&self, max: u32) -> u32 {
        let is_known = self.seen.load(Ordering::Relaxed) >= SEEN_MIN;
        if max == 0 || !is_known || self.slowest_us.load(Ordering::Relaxed) > SLOW_US {
            return 0;
        }
        self.mean_us().map_or(0, |mean| u32::try_from(AHEAD_US / mean).unwrap_or(max).min(max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(calls: u32, each: Duration) -> Pace {
        let pace = Pace::default();
        (0..calls).for_each(|_| pace.observe(each, 64));
        pace
    }

    #[test]
    fn only_calls_known_to_be_fast_are_run_ahead() {
        for (calls, micros, ahead) in [(0, 10, 0), (63, 10, 0), (64, 10, 8), (64, 400, 2), (64, 2_000, 0)] {
            assert_eq!(pace(calls, Duration::from_micros(micros)).ahead(8), ahead, "{calls} calls of {micros} µs");
        }
        assert_eq!(pace(100, Duration::from_micros(10)).ahead(0), 0);
    }

    #[test]
    fn calls_with_large_bodies_are_not_run_ahead() {
        let pace = pace(100, Duration::from_micros(10));
        pace.observe(Duration::from_micros(10), 16 << 20);
        assert_eq!(pace.ahead(8), 0);
    }

    #[test]
    fn one_slow_call_stops_it_for_long_and_a_broken_one_for_a_while() {
        let pace = pace(100, Duration::from_micros(10));
        pace.observe(Duration::from_secs(1), 0);
        (0..100).for_each(|_| pace.observe(Duration::from_micros(10), 0));
        assert_eq!(pace.ahead(8), 0);
        (0..2_000).for_each(|_| pace.observe(Duration::from_micros(10), 0));
        assert_eq!(pace.ahead(8), 8);
        pace.broke();
        assert_eq!(pace.ahead(8), 0);
    }
}
