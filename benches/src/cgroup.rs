//! A group of processes with limited memory: cgroup version 2 where the machine has it, else version 1.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A group; removed when dropped, which works once its processes are gone.
pub struct Cgroup {
    path: PathBuf,
    is_v2: bool,
}

impl Cgroup {
    /// A group whose processes together use at most `bytes`; `None` where it may not be made.
    pub fn create(bytes: u64) -> Option<Cgroup> {
        let name = format!("tidemill-benches-{}", std::process::id());
        let root = Path::new("/sys/fs/cgroup");
        let is_v2 = root.join("cgroup.controllers").exists();
        let path = if is_v2 { root.join(name) } else { root.join("memory").join(name) };
        fs::create_dir(&path).ok()?;
        let group = Cgroup { path, is_v2 };
        let limit = if is_v2 { "memory.max" } else { "memory.limit_in_bytes" };
        fs::write(group.path.join(limit), bytes.to_string()).ok()?;
        Some(group)
    }

    /// A command that runs `program` in the group. Arguments can be added.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(r#"echo $$ > "$0" && exec "$@""#).arg(self.path.join("cgroup.procs")).arg(program);
        command
    }

    /// How many processes the kernel killed for want of memory; `None` when it does not say.
    pub fn killed(&self) -> Option<u64> {
        let file = if self.is_v2 { "memory.events" } else { "memory.oom_control" };
        let text = fs::read_to_string(self.path.join(file)).ok()?;
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The kernel needs a moment after the last process has gone.
        for _ in 0..50 {
            if fs::remove_dir(&self.path).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}
