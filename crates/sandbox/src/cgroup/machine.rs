//! How much memory there is for all.

use std::{fs, path::Path};

use super::find::{self, Found};

/// The memory of this machine, or of what the groups that this process is in may have of it, in bytes. `None` where nothing
/// tells.
pub fn machine_memory() -> Option<u64> {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let found = find::find(&text("/proc/self/mountinfo"), &text("/proc/self/cgroup"));
    least(total(&text("/proc/meminfo")), &found)
}

fn least(machine: Option<u64>, found: &Found) -> Option<u64> {
    let separate = found.separate.get("memory").map(|own| (own, "memory.limit_in_bytes"));
    let unified = found.unified.as_ref().map(|own| (own, "memory.max"));
    let places = separate.into_iter().chain(unified);
    let limits = places.flat_map(|(own, file)| own.ancestors().filter_map(move |group| number(&group.join(file))));
    limits.chain(machine).min()
}

/// A group without a limit says `max`, or a number larger than any machine.
fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// In bytes, of `/proc/meminfo`.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_limit_counts() {
        let home = tempfile::tempdir().unwrap();
        let own = home.path().join("a/b");
        fs::create_dir_all(&own).unwrap();
        let found = Found { unified: Some(own.clone()), ..Found::default() };
        let machine = total("MemFree: 1 kB\nMemTotal:        2048 kB\n");
        assert_eq!(least(machine, &found), Some(2 << 20));
        fs::write(own.join("memory.max"), "max\n").unwrap();
        assert_eq!(least(machine, &found), Some(2 << 20));
        fs::write(home.path().join("a/memory.max"), "4096\n").unwrap();
        assert_eq!(least(machine, &found), Some(4096));
        assert!(machine_memory().is_some());
    }
}
