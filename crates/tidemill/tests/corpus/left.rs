//! What outlived a server. This process takes in the orphans of all that it starts, so they are its children.

use std::{fs, path::Path};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// How deep control groups are looked for.
const DEPTH: u32 = 6;

/// Ends what is left of the server `server` but for the process `known`. With a sandbox nothing may be: neither a process nor a
/// control group.
pub fn end_all(had_sandbox: bool, server: u32, known: u32) {
    let left: Vec<_> = children().into_iter().filter(|(id, _)| u32::try_from(*id) != Ok(known)).collect();
    if had_sandbox {
        assert!(left.is_empty(), "processes are left behind: {left:?}");
        let mut groups = Vec::new();
        find_groups(Path::new("/sys/fs/cgroup"), &format!("tidemill-{server}-"), DEPTH, &mut groups);
        assert!(groups.is_empty(), "control groups are left behind: {groups:?}");
    }
    for pid in left.iter().filter_map(|(id, _)| Pid::from_raw(*id)) {
        // It may be ending by itself.
        let _ = kill_process(pid, Signal::KILL);
        let _ = waitpid(Some(pid), WaitOptions::empty());
    }
}

/// The children of this process that are more than zombies: id and name.
fn children() -> Vec<(i32, String)> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let ids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let found = ids.filter_map(|id: i32| stat(id).map(|(state, parent, name)| (id, state, parent, name)));
    found.filter(|(_, state, parent, _)| *state != 'Z' && *parent == own).map(|(id, _, _, name)| (id, name)).collect()
}

/// State, parent and name of a process.
fn stat(id: i32) -> Option<(char, i32, String)> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (name, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?, name.to_owned()))
}

fn find_groups(folder: &Path, prefix: &str, depth: u32, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            found.push(entry.path().display().to_string());
        } else if depth > 0 {
            find_groups(&entry.path(), prefix, depth - 1, found);
        }
    }
}
