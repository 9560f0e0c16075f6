//! The group of one program.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::Pid;

use super::Controller;

/// What a program may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    pub processes_max: Option<u64>,
    /// Cores, in thousandths.
    pub cpu_millis: Option<u32>,
}

impl Amounts {
    /// Whether `controller` has something to hold.
    pub(super) fn concern(&self, controller: Controller) -> bool {
        match controller {
            Controller::Memory => self.memory_bytes.is_some(),
            Controller::Processes => self.processes_max.is_some(),
            Controller::Cpu => self.cpu_millis.is_some(),
        }
    }
}

/// The warden and init, which are counted with the program.
const OWN_PROCESSES: u64 = 2;
/// What the two need of memory.
const OWN_MEMORY_BYTES: u64 = 8 << 20;
/// In which time an amount of cpu time may be used.
const PERIOD_US: u64 = 100_000;

/// Folders of groups whose processes the kernel had not let go of yet when they were to be removed.
#[derive(Clone, Debug, Default)]
pub(super) struct Leftovers(Arc<Mutex<Vec<PathBuf>>>);

impl Leftovers {
    /// Removes what can be removed by now.
    pub fn clear(&self) {
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        folders.retain(|folder| is_busy(folder));
    }

    fn add(&self, folder: PathBuf) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(folder);
    }
}

/// Removes `folder`, unless it is in use.
fn is_busy(folder: &Path) -> bool {
    fs::remove_dir(folder).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
}

/// A group, in as many trees as it takes. Dropping it removes it once its processes have ended.
#[derive(Debug)]
pub struct Group {
    folders: Vec<Folder>,
    leftovers: Leftovers,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    controllers: Vec<Controller>,
    is_unified: bool,
}

impl Group {
    pub(super) fn new(leftovers: Leftovers) -> Group {
        Group { folders: Vec::new(), leftovers }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    pub(super) fn add(&mut self, path: PathBuf, controllers: &[Controller], is_unified: bool) -> io::Result<()> {
        fs::create_dir(&path)?;
        self.folders.push(Folder { path, controllers: controllers.to_vec(), is_unified });
        Ok(())
    }

    /// Sets those of `amounts` that are given, where there is a controller for them.
    pub fn limit(&self, amounts: &Amounts) -> io::Result<()> {
        for folder in &self.folders {
            for controller in &folder.controllers {
                for (file, value, is_needed) in settings(*controller, folder.is_unified, amounts) {
                    match fs::write(folder.path.join(file), value) {
                        // A kernel that does not count swap.
                        Err(error) if !is_needed && error.kind() != io::ErrorKind::InvalidInput => {}
                        other => other?,
                    }
                }
            }
        }
        Ok(())
    }

    /// Moves the process `pid` into it; what it starts from then on is in it too.
    pub fn enter(&self, pid: Pid) -> io::Result<()> {
        let text = pid.as_raw_nonzero().to_string();
        self.folders.iter().try_for_each(|folder| fs::write(folder.path.join("cgroup.procs"), &text))
    }

    /// How many of its processes the kernel killed for want of memory.
    pub fn killed_for_memory(&self) -> u64 {
        let Some(folder) = self.folders.iter().find(|folder| folder.controllers.contains(&Controller::Memory)) else {
            return 0;
        };
        let file = folder.path.join(if folder.is_unified { "memory.events" } else { "memory.oom_control" });
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()).unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for folder in self.folders.drain(..) {
            if is_busy(&folder.path) {
                self.leftovers.add(folder.path);
            }
        }
    }
}

/// File, value, and whether it is no use without.
type Setting = (&'static str, String, bool);

fn settings(controller: Controller, is_unified: bool, amounts: &Amounts) -> Vec<Setting> {
    match (controller, is_unified) {
        (Controller::Memory, _) => {
            let Some(bytes) = amounts.memory_bytes.map(|bytes| bytes.saturating_add(OWN_MEMORY_BYTES)) else {
                return Vec::new();
            };
            let text = bytes.to_string();
            if is_unified {
                vec![
                    ("memory.max", text, true),
                    ("memory.swap.max", "0".to_owned(), false),
                    // One that dies of it takes the others along: half a program is none.
                    ("memory.oom.group", "1".to_owned(), false),
                ]
            } else {
                vec![("memory.limit_in_bytes", text.clone(), true), ("memory.memsw.limit_in_bytes", text, false)]
            }
        }
        (Controller::Processes, _) => {
            let most = amounts.processes_max.map(|most| most.saturating_add(OWN_PROCESSES).to_string());
            most.map(|most| ("pids.max", most, true)).into_iter().collect()
        }
        (Controller::Cpu, _) => {
            let Some(millis) = amounts.cpu_millis else { return Vec::new() };
            let quota = (u64::from(millis) * PERIOD_US / 1000).max(1000);
            if is_unified {
                vec![("cpu.max", format!("{quota} {PERIOD_US}"), true)]
            } else {
                vec![("cpu.cfs_period_us", PERIOD_US.to_string(), true), ("cpu.cfs_quota_us", quota.to_string(), true)]
            }
        }
    }
}
