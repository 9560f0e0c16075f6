//! A small disk that can be filled without harm to the machine.
//!
//! It is a tmpfs mounted for the test. Where mounting is not permitted the test runs once more in a user and mount namespace
//! of its own; where that is not permitted either, `/dev/shm` serves, filled up to the wanted room (containers have a small
//! one).

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail, ensure};

/// The largest `/dev/shm` that is filled: its pages are the machine's memory.
const SHARED_MEMORY_MAX: u64 = 1 << 30;
/// Set in the run inside the namespace.
const INSIDE: &str = "TIDEMILL_CRASH_NAMESPACE";

/// A directory with little room.
pub struct SmallDisk {
    path: PathBuf,
    is_mounted: bool,
}

impl SmallDisk {
    /// A disk of about `size` bytes at `path`, or in `/dev/shm`.
    pub fn create(path: &Path, size: u64) -> anyhow::Result<SmallDisk> {
        if mount(path, size)? {
            return Ok(SmallDisk { path: path.to_owned(), is_mounted: true });
        }
        let shared = Path::new("/dev/shm");
        let statistics = rustix::fs::statvfs(shared).context("tmpfs cannot be mounted, and there is no /dev/shm")?;
        let free = statistics.f_bavail * statistics.f_frsize;
        ensure!(
            free >= size && statistics.f_blocks * statistics.f_frsize <= SHARED_MEMORY_MAX,
            "this test needs a small disk: the right to mount a tmpfs (root), user namespaces (unshare -rm), \
             or a /dev/shm between {size} and {SHARED_MEMORY_MAX} bytes"
        );
        let path = shared.join(format!("tidemill-crash-{}", std::process::id()));
        fs::create_dir(&path)?;
        let disk = SmallDisk { path, is_mounted: false };
        write_ballast(&disk.path.join("filler"), free - size)?;
        Ok(disk)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes `size` bytes away. Removing the file gives them back.
    pub fn ballast(&self, size: u64) -> anyhow::Result<PathBuf> {
        let path = self.path.join("ballast");
        write_ballast(&path, size)?;
        Ok(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // What cannot be undone here is only untidy.
        if self.is_mounted {
            let _untidy = Command::new("umount").arg("--lazy").arg(&self.path).status();
        } else {
            let _untidy = fs::remove_dir_all(&self.path);
        }
    }
}

/// Mounts a tmpfs; false when that is not permitted.
fn mount(path: &Path, size: u64) -> anyhow::Result<bool> {
    fs::create_dir_all(path)?;
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(path);
    Ok(command.output().context("cannot run mount")?.status.success())
}

fn write_ballast(path: &Path, size: u64) -> anyhow::Result<()> {
    let file = fs::File::create(path)?;
    let block = vec![0x5A; 1 << 20];
    let mut offset = 0;
    while offset < size {
        let part = usize::try_from((size - offset).min(block.len() as u64))?;
        file.write_all_at(&block[..part], offset)?;
        offset += part as u64;
    }
    Ok(())
}

/// Runs the test `name` of this program again inside a namespace where mounting is permitted, if it is not permitted here and
/// that is possible. True: it ran there, and passed.
pub fn ran_in_namespace(name: &str) -> anyhow::Result<bool> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(false);
    }
    let probe = tempfile::tempdir()?;
    if mount(probe.path(), 1 << 20)? {
        Command::new("umount").arg(probe.path()).status()?;
        return Ok(false);
    }
    let namespace = || {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]);
        command
    };
    if !namespace().arg("true").output().is_ok_and(|output| output.status.success()) {
        return Ok(false);
    }
    println!("mounting is not permitted here: {name} runs in a namespace of its own");
    let mut command = namespace();
    command.arg(std::env::current_exe()?).args(["--exact", name, "--nocapture"]).env(INSIDE, "1");
    if !command.status()?.success() {
        bail!("{name} failed in its namespace");
    }
    Ok(true)
}
