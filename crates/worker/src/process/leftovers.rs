//! What a failed call has left running in its worker.
//!
//! A call that starts processes without end fails when there can be no more of them, and they stay: the next call of its worker
//! would find no room. So a worker is looked at when a call of it has failed. Processes that a former call started on purpose
//! stay out of it: only those that began since the failed one did are its leftovers.

use std::{
    fs,
    time::{Duration, Instant},
};

use rustix::process::Pid;

use super::memory::children;

/// Where `stat` has the start, counted from the field after the name.
const STARTED_AT: usize = 19;

/// Whether of the descendants of the process `pid` some began at `since` or later, or all of them together have nine tenths of
/// the processes and threads that they may have. The system counts starts in ticks of mostly 10 ms.
pub(crate) fn has_leftovers(pid: Pid, since: Option<Instant>, processes_max: Option<u64>) -> bool {
    let since_ticks = since.and_then(ticks_at);
    let mut processes = vec![pid.as_raw_nonzero().get()];
    let mut tasks = 0u64;
    let mut next = 0;
    while let Some(process) = processes.get(next).copied() {
        let started = || fs::read_to_string(format!("/proc/{process}/stat")).ok().and_then(|stat| start(&stat));
        if since_ticks.is_some_and(|since| started().is_some_and(|started| started >= since)) {
            return true;
        }
        tasks += fs::read_dir(format!("/proc/{process}/task")).map_or(0, |threads| threads.count() as u64);
        if processes_max.is_some_and(|most| tasks.saturating_mul(10) >= most.saturating_mul(9)) {
            return true;
        }
        children(process, &mut processes);
        next += 1;
    }
    false
}

/// `at` in ticks since the machine started; at most two too early.
fn ticks_at(at: Instant) -> Option<u64> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime = Duration::try_from_secs_f64(uptime.split(' ').next()?.parse().ok()?).ok()?;
    let began = uptime.saturating_sub(at.elapsed());
    u64::try_from(began.as_millis())
        .ok()?
        .checked_mul(rustix::param::clock_ticks_per_second())
        .map(|ticks| ticks / 1000)
}

fn start(stat: &str) -> Option<u64> {
    // The name is in parentheses and may hold some itself.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(STARTED_AT)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_that_began_later_are_told_from_earlier_ones() {
        let own = rustix::process::getpid();
        let begun = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| start(&stat)).unwrap();
        assert!(begun <= ticks_at(Instant::now()).unwrap() + 2);
        assert!(has_leftovers(own, Some(Instant::now().checked_sub(Duration::from_secs(3600)).unwrap()), None));
        assert!(has_leftovers(own, None, Some(1)));
        assert!(!has_leftovers(own, None, None));
    }
}
