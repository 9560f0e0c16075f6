//! The group of one program.

use std::{
    fs, io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
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
/// More than the kernel's file of a group's memory events has.
const EVENTS_BYTES_MAX: usize = 512;
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
    /// Where the kernel tells of kills, once it was asked.
    memory_events: OnceLock<fs::File>,
}

impl Group {
    pub(super) fn new(places: Arc<Vec<Place>>, number: u64, leftovers: Leftovers) -> Group {
        let folders = Mutex::new(vec![None; places.len()]);
        Group { places, number, leftovers, folders, memory_events: OnceLock::new() }
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
                take_in(path, process)?;
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

    /// Where a process of one thread enters it by itself, see [`enter`]; what it starts from then on is in it too. The rest of the group
    /// is for [`Group::take_in`].
    pub(crate) fn doors(&self) -> Vec<PathBuf> {
        self.some_folders(false).iter().map(|folder| folder.join("tasks")).collect()
    }

    /// Moves the process `pid` into what has no [`Group::doors`].
    pub(crate) fn take_in(&self, pid: Pid) -> io::Result<()> {
        self.some_folders(true).iter().try_for_each(|folder| take_in(folder, pid))
    }

    /// Its folders in the tree of all controllers, or in those of one each.
    fn some_folders(&self, unified: bool) -> Vec<PathBuf> {
        let folders = self.folders();
        let found = self.places.iter().zip(folders.iter()).filter(|(place, _)| place.is_unified == unified);
        found.filter_map(|(_, folder)| folder.clone()).collect()
    }

    /// How many of its processes the kernel killed for want of memory. Asked after each call of a worker, so it is one read of a file
    /// that stays open.
    pub fn killed_for_memory(&self) -> u64 {
        let file = match self.memory_events.get() {
            Some(file) => file,
            None => match self.open_memory_events() {
                Some(file) => self.memory_events.get_or_init(|| file),
                None => return 0,
            },
        };
        let mut text = [0u8; EVENTS_BYTES_MAX];
        let size = file.read_at(&mut text, 0).unwrap_or(0);
        let mut lines = text[..size].split(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
        lines.find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()).unwrap_or(0)
    }

    fn open_memory_events(&self) -> Option<fs::File> {
        let folders = self.folders();
        let mut places = self.places.iter().zip(folders.iter());
        let (place, folder) = places.find(|(place, _)| place.controllers.contains(&Controller::Memory))?;
        let name = if place.is_unified { "memory.events" } else { "memory.oom_control" };
        fs::File::open(folder.as_ref()?.join(name)).ok()
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

/// Moves this process, which has one thread, into the group whose file `door` is. The kernel does so at once (Linux 5.17 and later); before it
/// moves another process it waits until every core has been through its scheduler, which takes 5 to 15 ms.
pub(crate) fn enter(door: &Path) -> io::Result<()> {
    fs::write(door, "0")
}

fn take_in(folder: &Path, pid: Pid) -> io::Result<()> {
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
