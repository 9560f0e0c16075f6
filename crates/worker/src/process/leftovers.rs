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

/// Processes of a worker in a sandbox that are no call's: the launcher, init and the program. Each is the first child of the one before.
const OWN_CONFINED: usize = 3;

/// Whether of the descendants of a worker's process `pid` some began at `since` or later, or all of them together have nine tenths of
/// the processes and threads that they may have, as is known in a sandbox. The system counts starts in ticks of mostly 10 ms.
pub(crate) fn has_leftovers(pid: Pid, since: Option<Instant>, processes_max: Option<u64>) -> bool {
    let since_ticks = since.and_then(ticks_at);
    let own_max = if processes_max.is_some() { OWN_CONFINED } else { 1 };
    let mut processes = vec![pid.as_raw_nonzero().get()];
    let mut own = processes.clone();
    let mut tasks = 0u64;
    let mut next = 0;
    while let Some(process) = processes.get(next).copied() {
        let started = || fs::read_to_string(format!("/proc/{process}/stat")).ok().and_then(|stat| start(&stat));
        let is_of_call = |since| !own.contains(&process) && started().is_some_and(|started| started >= since);
        if since_ticks.is_some_and(is_of_call) {
            return true;
        }
        tasks += fs::read_dir(format!("/proc/{process}/task")).map_or(0, |threads| threads.count() as u64);
        if processes_max.is_some_and(|most| tasks.saturating_mul(10) >= most.saturating_mul(9)) {
            return true;
        }
        let first = processes.len();
        children(process, &mut processes);
        if own.len() < own_max && own.last() == Some(&process) {
            own.extend(processes.get(first));
        }
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
        let begun = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| start(&stat)).unwrap();
        assert!(begun <= ticks_at(Instant::now()).unwrap() + 2);
        let long_ago = Some(Instant::now().checked_sub(Duration::from_secs(3600)).unwrap());
        let mut program = std::process::Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        let pid = Pid::from_child(&program);
        let mut found = Vec::new();
        while found.is_empty() {
            children(pid.as_raw_nonzero().get(), &mut found);
        }
        assert!(has_leftovers(pid, long_ago, None));
        assert!(!has_leftovers(pid, long_ago, Some(1000)), "the first of each are the sandbox's and the program");
        assert!(has_leftovers(pid, None, Some(1)));
        assert!(!has_leftovers(pid, None, None));
        let child = Pid::from_raw(found[0]).unwrap();
        assert!(!has_leftovers(child, long_ago, None), "a program is no leftover of its first call");
        rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
        program.wait().unwrap();
    }
}
