//! Control groups: what all processes of a program together may use.
//!
//! A server makes one folder in the group that it is in itself, so that it stays within whatever limits it was put under, and
//! in that folder a group for each program. Both versions of the system are spoken; with version 1 each controller has a tree of
//! its own. What cannot be written is not used, and [`Cgroups::controllers`] says why; the limits of single processes in
//! [`crate::Limits`] are then all there is.
//!
//! With version 2 a group with processes may not have groups with controllers below it. So the server moves itself one group
//! down, which works when nobody else is in its group: as a service with `Delegate=yes` it is alone.

mod find;
mod group;
mod machine;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

pub(crate) use group::enter;
pub use group::{Amounts, Group};
pub use machine::machine_memory;

use find::Found;
use group::Leftovers;
use rustix::fs::Access;

/// What is limited by groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    /// Memory, that of scratch space included.
    Memory,
    /// Processes and threads.
    Processes,
    /// Time of cores.
    Cpu,
}

impl Controller {
    /// All of them.
    pub const ALL: [Controller; 3] = [Controller::Memory, Controller::Processes, Controller::Cpu];

    /// The kernel's name.
    pub fn name(self) -> &'static str {
        match self {
            Controller::Memory => "memory",
            Controller::Processes => "pids",
            Controller::Cpu => "cpu",
        }
    }
}

/// The part of a tree of groups that belongs to this server.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    controllers: Vec<Controller>,
    folder: PathBuf,
    is_unified: bool,
}

/// The groups of a server. Dropping it removes its folders, if no program runs in them.
#[derive(Debug, Default)]
pub struct Cgroups {
    places: Arc<Vec<Place>>,
    refused: Vec<(Controller, String)>,
    off: Vec<Controller>,
    next: AtomicU64,
    leftovers: Leftovers,
}

/// How long the kernel may take to let go of processes that have ended, when a server ends.
const REMOVAL_MAX: Duration = Duration::from_millis(500);
const REMOVAL_PAUSE: Duration = Duration::from_millis(2);
/// How long the programs of a server that was killed may take to be gone.
const SWEEP_MAX: Duration = Duration::from_secs(10);
const SWEEP_PAUSE: Duration = Duration::from_millis(100);
/// Counts the [`Cgroups`] of this process.
static INSTANCES: AtomicU64 = AtomicU64::new(0);
/// What the folders of servers are called, before the id of their process and a number.
const PREFIX: &str = "tidemill-";
/// Where a server goes that must not stay beside its groups.
const SERVER: &str = "server";

impl Cgroups {
    /// Removes the groups that servers left here that did not end in order, whatever is limited by groups now. What their
    /// programs have not let go of yet is tried again for some seconds, by a thread of its own.
    pub fn sweep() {
        let found = find_own();
        let owns: Vec<PathBuf> = found.separate.into_values().chain(found.unified).collect();
        if !sweep_once(&owns) {
            return;
        }
        let again = move || {
            let until = Instant::now() + SWEEP_MAX;
            while sweep_once(&owns) && Instant::now() < until {
                std::thread::sleep(SWEEP_PAUSE);
            }
        };
        // Without a thread the next server sweeps.
        let _ = std::thread::Builder::new().name("cgroup-sweep".to_owned()).spawn(again);
    }

    /// Finds those of `wanted` that this machine has and lets this process use.
    pub fn new(wanted: &[Controller]) -> Cgroups {
        let found = find_own();
        let own = format!("{}-{}", server_name(), INSTANCES.fetch_add(1, Ordering::Relaxed));
        Cgroups::within(&found, wanted, &own)
    }

    fn within(found: &Found, wanted: &[Controller], server: &str) -> Cgroups {
        let off = Controller::ALL.into_iter().filter(|it| !wanted.contains(it)).collect();
        let mut groups = Cgroups::default();
        groups.off = off;
        let mut places = Vec::new();
        let mut unified = Vec::new();
        for controller in wanted.iter().copied() {
            match found.separate.get(controller.name()) {
                Some(own) => match separate(own, server) {
                    Ok(folder) => {
                        places.push(Place { controllers: vec![controller], folder, is_unified: false });
                    }
                    Err(error) => groups.refuse(controller, own, &error),
                },
                None => unified.push(controller),
            }
        }
        if let (Some(own), false) = (&found.unified, unified.is_empty()) {
            groups.unify(own, unified, server, &mut places);
        } else {
            let absent = unified.into_iter().map(|it| (it, "no tree of groups with it is mounted".to_owned()));
            groups.refused.extend(absent);
        }
        groups.places = Arc::new(places);
        groups
    }

    fn unify(&mut self, own: &Path, wanted: Vec<Controller>, server: &str, places: &mut Vec<Place>) {
        let known = fs::read_to_string(own.join("cgroup.controllers")).unwrap_or_default();
        let has = |controller: &Controller| known.split_ascii_whitespace().any(|name| name == controller.name());
        let (wanted, absent): (Vec<_>, Vec<_>) = wanted.into_iter().partition(has);
        let absent = absent.into_iter().map(|it| (it, format!("{} does not have it", own.display())));
        self.refused.extend(absent);
        if wanted.is_empty() {
            return;
        }
        match unified(own, &wanted, server) {
            Ok(folder) => places.push(Place { controllers: wanted, folder, is_unified: true }),
            Err(error) => wanted.into_iter().for_each(|controller| self.refuse(controller, own, &error)),
        }
    }

    fn refuse(&mut self, controller: Controller, own: &Path, error: &io::Error) {
        self.refused.push((controller, format!("{}: {error}", own.display())));
    }

    /// Which controllers there are, and which were refused and why.
    pub fn controllers(&self) -> impl Iterator<Item = (Controller, Result<&Path, &str>)> {
        let used = self.places.iter().flat_map(|place| place.controllers.iter().map(|it| (*it, Ok(&*place.folder))));
        used.chain(self.refused.iter().map(|(controller, why)| (*controller, Err(&**why))))
    }

    /// Those that were not wanted.
    pub fn switched_off(&self) -> impl Iterator<Item = Controller> {
        self.off.iter().copied()
    }

    /// Whether there is `controller`.
    pub fn has(&self, controller: Controller) -> bool {
        self.places.iter().any(|place| place.controllers.contains(&controller))
    }

    /// A new group within `amounts`, for one program; it gets no folder where nothing of it would be held.
    pub fn group(&self, amounts: &Amounts) -> io::Result<Group> {
        self.leftovers.clear();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let group = Group::new(self.places.clone(), number, self.leftovers.clone());
        group.limit(amounts, None)?;
        Ok(group)
    }

    /// Removes the folders of this server, for which its programs must have ended. What cannot be removed in time is removed by
    /// the next server that starts here.
    pub fn close(&self) {
        let until = Instant::now() + REMOVAL_MAX;
        for place in self.places.iter() {
            while Instant::now() < until {
                self.leftovers.clear();
                match fs::remove_dir(&place.folder) {
                    Err(error) if is_in_use(&error) => std::thread::sleep(REMOVAL_PAUSE),
                    _ => break,
                }
            }
        }
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        self.close();
    }
}

/// Whether a folder could not be removed because of what is, or just was, in it.
fn is_in_use(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ResourceBusy)
}

/// The server's folder in the tree of one controller. It is made when it is needed.
fn separate(own: &Path, server: &str) -> io::Result<PathBuf> {
    remove_old(own);
    rustix::fs::access(own, Access::WRITE_OK)?;
    Ok(own.join(format!("{PREFIX}{server}")))
}

/// The server's folder in the tree of all controllers.
fn unified(own: &Path, wanted: &[Controller], server: &str) -> io::Result<PathBuf> {
    remove_old(own);
    let mut words = wanted.iter().map(|controller| format!("+{}", controller.name())).collect::<Vec<_>>();
    words.sort();
    let words = words.join(" ");
    let enable = |folder: &Path| fs::write(folder.join("cgroup.subtree_control"), &words);
    if enable(own).is_err() {
        let place = own.join(SERVER);
        make(&place)?;
        fs::write(place.join("cgroup.procs"), std::process::id().to_string())?;
        enable(own)?;
    }
    let folder = own.join(format!("{PREFIX}{server}"));
    make(&folder)?;
    enable(&folder)?;
    Ok(folder)
}

/// This process's id, and what tells it from one that had the same: in a container a server has the same id each time.
fn server_name() -> String {
    static LIFE: OnceLock<u32> = OnceLock::new();
    let since = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let life =
        LIFE.get_or_init(|| since().subsec_nanos() ^ u32::try_from(since().as_secs() & 0xffff_ffff).unwrap_or(0));
    format!("{}-{life:08x}", std::process::id())
}

/// Whether a folder of this name is that of a server that is gone.
fn is_left(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else { return false };
    let id = rest.split('-').next().unwrap_or_default();
    if id == std::process::id().to_string() {
        return !rest.starts_with(&server_name());
    }
    // One that was killed and that nobody has asked about yet is gone too.
    let stat = fs::read_to_string(Path::new("/proc").join(id).join("stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// The groups that this process is in.
fn find_own() -> Found {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    find::find(&text("/proc/self/mountinfo"), &text("/proc/self/cgroup"))
}

/// Whether something is still in use.
fn sweep_once(owns: &[PathBuf]) -> bool {
    owns.iter().filter(|own| remove_old(own)).count() > 0
}

/// Removes what servers that are gone have left. Those with processes cannot be removed, and are not: then it is `true`.
fn remove_old(own: &Path) -> bool {
    let mut in_use = false;
    for entry in fs::read_dir(own).into_iter().flatten().flatten() {
        if is_left(&entry.file_name().to_string_lossy()) {
            for group in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
                let _ = fs::remove_dir(group.path());
            }
            in_use |= fs::remove_dir(entry.path()).is_err_and(|error| is_in_use(&error));
        }
    }
    in_use
}

fn make(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
