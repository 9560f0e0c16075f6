//! The group of one program.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::process::Pid;

use super::{Controller, Place};

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
    places: Arc<Vec<Place>>,
    number: u64,
    leftovers: Leftovers,
    /// Its folder in each place, where it has one.
    folders: Mutex<Vec<Option<PathBuf>>>,
}

impl Group {
    pub(super) fn new(places: Arc<Vec<Place>>, number: u64, leftovers: Leftovers) -> Group {
        let folders = Mutex::new(vec![None; places.len()]);
        Group { places, number, leftovers, folders }
    }

    fn folders(&self) -> MutexGuard<'_, Vec<Option<PathBuf>>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets those of `amounts` that are given, where there is a controller for them. `process`, which is in the group already,
    /// and what it starts from then on, are held to those that are new, too.
    pub fn limit(&self, amounts: &Amounts, process: Option<Pid>) -> io::Result<()> {
        let mut folders = self.folders();
        for (place, folder) in self.places.iter().zip(folders.iter_mut()) {
            if !place.controllers.iter().any(|controller| amounts.concern(*controller)) {
                continue;
            }
            let is_new = folder.is_none();
            let path = match folder {
                Some(path) => path,
                None => folder.insert(self.make(place)?),
            };
            set(path, place, amounts)?;
            if let (true, Some(process)) = (is_new, process) {
                enter(path, process)?;
            }
        }
        Ok(())
    }

    fn make(&self, place: &Place) -> io::Result<PathBuf> {
        super::make(&place.folder)?;
        let path = place.folder.join(self.number.to_string());
        fs::create_dir(&path)?;
        Ok(path)
    }

    /// Moves the process `pid` into it; what it starts from then on is in it too.
    pub fn enter(&self, pid: Pid) -> io::Result<()> {
        self.folders().iter().flatten().try_for_each(|folder| enter(folder, pid))
    }

    /// How many of its processes the kernel killed for want of memory.
    pub fn killed_for_memory(&self) -> u64 {
        let folders = self.folders();
        let mut places = self.places.iter().zip(folders.iter());
        let Some((place, Some(folder))) = places.find(|(place, _)| place.controllers.contains(&Controller::Memory))
        else {
            return 0;
        };
        let file = folder.join(if place.is_unified { "memory.events" } else { "memory.oom_control" });
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()).unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let folders = std::mem::take(&mut *self.folders());
        for folder in folders.into_iter().flatten() {
            if is_busy(&folder) {
                self.leftovers.add(folder);
            }
        }
    }
}

fn enter(folder: &Path, pid: Pid) -> io::Result<()> {
    fs::write(folder.join("cgroup.procs"), pid.as_raw_nonzero().to_string())
}

fn set(folder: &Path, place: &Place, amounts: &Amounts) -> io::Result<()> {
    for controller in &place.controllers {
        for (file, value, is_needed) in settings(*controller, place.is_unified, amounts) {
            let file = folder.join(file);
            match fs::write(&file, value) {
                // A kernel that does not count swap, or does not know it.
                Err(error) if !is_needed && (error.kind() == io::ErrorKind::Unsupported || !file.exists()) => {}
                other => other?,
            }
        }
    }
    Ok(())
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
