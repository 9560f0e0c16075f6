//! What the kernel says about a process and its descendants.

use std::{collections::BTreeMap, time::Duration};

/// Processor time used so far by a process, the children it has waited for, and its living descendants.
pub fn cpu_time(root: u32) -> Duration {
    let all = all();
    let mut ticks = all.get(&root).map_or(0, |stat| stat.waited_ticks);
    for id in tree(&all, root) {
        ticks += all.get(&id).map_or(0, |stat| stat.ticks);
    }
    let per_second = rustix::param::clock_ticks_per_second();
    Duration::from_secs_f64(ticks as f64 / per_second as f64)
}

/// The living descendants of a process, itself not included.
pub fn descendants(root: u32) -> Vec<u32> {
    let all = all();
    tree(&all, root).into_iter().filter(|id| *id != root).collect()
}

/// The living descendants of a server that belong to its functions: all but the template of launchers, which waits as long as the
/// server lives.
pub fn of_functions(server: u32) -> Vec<u32> {
    let all = all();
    let has_child = |id: u32| all.values().any(|stat| stat.parent == id);
    let is_child = |id: u32| all.get(&id).is_some_and(|stat| stat.parent == server);
    let is_template = |id: u32| is_child(id) && !has_child(id) && is_of_template(id);
    tree(&all, server).into_iter().filter(|id| *id != server && !is_template(*id)).collect()
}

/// Whether a process is the template of launchers, or a copy of it.
fn is_of_template(id: u32) -> bool {
    let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    line.ends_with(b"__sandbox\0template\0")
}

/// Resident memory of one process now, in bytes; 0 when it is gone.
pub fn resident(id: u32) -> u64 {
    status_bytes(id, "VmRSS:")
}

/// The most resident memory that one process ever had, in bytes; 0 when it is gone.
pub fn resident_peak(id: u32) -> u64 {
    status_bytes(id, "VmHWM:")
}

fn status_bytes(id: u32, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

struct Stat {
    parent: u32,
    ticks: u64,
    waited_ticks: u64,
}

fn all() -> BTreeMap<u32, Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|id| Some((id, stat(id)?))).collect()
}

/// `None` for a process that is gone or a zombie.
fn stat(id: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in parentheses, may hold anything. What follows begins with field 3.
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    if fields.first() == Some(&"Z") {
        return None;
    }
    let parent = u32::try_from(number(4)?).ok()?;
    Some(Stat { parent, ticks: number(14)? + number(15)?, waited_ticks: number(16)? + number(17)? })
}

fn tree(all: &BTreeMap<u32, Stat>, root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, stat)| stat.parent == parent).map(|(id, _)| *id));
        next += 1;
    }
    found
}
