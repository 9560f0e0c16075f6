//! What a process has used, as the system tells of one that runs or was not reaped yet.

use std::fs;

use rustix::process::Pid;

/// Where `stat` has the times, counted from the field after the name: user, system, and both of reaped children.
const TIMES_AT: usize = 11;

/// The cpu time of the process `pid` and of the descendants that it has waited for, in nanoseconds; 0 when it is not known.
///
/// The system counts in ticks of mostly 10 ms; the finer account that it keeps of the first thread is used where it says more.
pub(crate) fn cpu_ns(pid: Pid) -> u64 {
    let pid = pid.as_raw_nonzero();
    let by_ticks = fs::read_to_string(format!("/proc/{pid}/stat")).ok().and_then(|stat| ticks(&stat));
    let ns_a_tick = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
    let by_scheduler = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok();
    let by_scheduler = by_scheduler.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    by_ticks.unwrap_or(0).saturating_mul(ns_a_tick).max(by_scheduler.unwrap_or(0))
}

fn ticks(stat: &str) -> Option<u64> {
    // The name is in parentheses and may hold some itself.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().skip(TIMES_AT).take(4).map(|field| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 100";
        assert_eq!(ticks(stat), Some(100));
        assert_eq!(ticks("7 (a"), None);
        assert!(cpu_ns(rustix::process::getpid()) > 0);
    }
}
