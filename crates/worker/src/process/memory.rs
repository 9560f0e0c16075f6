//! Watching the memory of workers that have a limit.
//!
//! One thread reads the resident size of each limited worker and its children about twenty times a second while it has work,
//! and nothing while it has none. A backstop by `RLIMIT_DATA`, well above the limit, catches what grows faster than that;
//! the runtime then reports that memory ran out by itself.

use std::{
    fs,
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::linked::Link;

const PERIOD: Duration = Duration::from_millis(50);
/// Processes of one worker that are counted.
const PROCESSES_MAX: usize = 256;

#[derive(Default)]
struct Watched {
    links: Vec<Weak<Link>>,
    is_closed: bool,
}

/// The thread that watches.
pub(crate) struct Watch {
    shared: Arc<(Mutex<Watched>, Condvar)>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Watch {
    /// A watch over nothing; its thread starts with the first worker.
    pub fn new() -> Watch {
        Watch { shared: Arc::default(), thread: Mutex::default() }
    }

    /// Watches over `link` until it is dropped.
    pub fn add(&self, link: &Arc<Link>) -> std::io::Result<()> {
        let mut thread = self.thread.lock();
        if thread.is_none() {
            let shared = self.shared.clone();
            *thread = Some(std::thread::Builder::new().name("worker-memory".to_owned()).spawn(move || watch(&shared))?);
        }
        self.shared.0.lock().links.push(Arc::downgrade(link));
        self.shared.1.notify_one();
        Ok(())
    }

    /// Ends the thread.
    pub fn close(&self) {
        self.shared.0.lock().is_closed = true;
        self.shared.1.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            // A panic in there is reported by the panic itself.
            let _ = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.close();
    }
}

fn watch(shared: &(Mutex<Watched>, Condvar)) {
    let (watched, changed) = shared;
    loop {
        let links: Vec<Arc<Link>> = {
            let mut watched = watched.lock();
            while !watched.is_closed && watched.links.is_empty() {
                changed.wait(&mut watched);
            }
            if watched.is_closed {
                return;
            }
            watched.links.retain(|link| link.strong_count() > 0);
            watched.links.iter().filter_map(Weak::upgrade).collect()
        };
        for link in links.iter().filter(|link| link.is_busy()) {
            link.check_memory();
        }
        drop(links);
        let mut watched = watched.lock();
        if !watched.is_closed {
            changed.wait_for(&mut watched, PERIOD);
        }
    }
}

/// Keeps the data of the process `pid` under a bound that is far enough above `limit_bytes` not to be met by a worker
/// within it: interpreters reserve more than they use.
pub(crate) fn set_backstop(pid: Pid, limit_bytes: u64) -> std::io::Result<()> {
    let bound = Some(limit_bytes.saturating_mul(2).saturating_add(256 << 20));
    prlimit(Some(pid), Resource::Data, Rlimit { current: bound, maximum: bound })?;
    Ok(())
}

/// The resident bytes of the process `pid` and its descendants. Pages shared with files are counted for `pid` only.
pub(crate) fn resident_bytes(pid: Pid) -> u64 {
    resident_bytes_of(vec![pid.as_raw_nonzero().get()])
}

/// The same of what runs in the sandbox of the launcher `pid`: the children of its one child, also those that left their
/// parents.
pub(crate) fn resident_bytes_inside(pid: Pid) -> u64 {
    let (mut inits, mut processes) = (Vec::new(), Vec::new());
    children(pid.as_raw_nonzero().get(), &mut inits);
    inits.into_iter().for_each(|init| children(init, &mut processes));
    resident_bytes_of(processes)
}

fn resident_bytes_of(mut processes: Vec<i32>) -> u64 {
    let page = rustix::param::page_size() as u64;
    let mut next = 0;
    let mut total = 0;
    while let Some(process) = processes.get(next).copied() {
        let (resident, shared) = statm(process).unwrap_or((0, 0));
        total += if next == 0 { resident } else { resident.saturating_sub(shared) };
        children(process, &mut processes);
        processes.truncate(PROCESSES_MAX);
        next += 1;
    }
    total * page
}

fn statm(process: i32) -> Option<(u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let mut fields = text.split(' ').skip(1).map(|field| field.parse().ok());
    Some((fields.next()??, fields.next()??))
}

/// Adds the children of `process` to `found`.
pub(super) fn children(process: i32, found: &mut Vec<i32>) {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return };
    for thread in threads.flatten() {
        let text = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        found.extend(text.split_ascii_whitespace().filter_map(|child| child.parse::<i32>().ok()));
    }
}
