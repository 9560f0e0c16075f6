//! What to start and what it gets: pure data, handed to the launcher as JSON.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A program and the world it is to find. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What runs.
    pub program: Program,
    /// The files it sees; it sees no others, but for `/tmp`, `/dev/shm`, `/proc` and a few devices.
    pub view: View,
    /// What it may use.
    pub limits: Limits,
    /// Whether it shares the network of the machine; it has only a loopback of its own otherwise.
    pub network: bool,
    /// Which parts of the sandbox are put up: what [`crate::Findings`] says that this machine has.
    pub parts: Parts,
}

/// The program to start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The file, as the program inside finds it.
    pub path: PathBuf,
    /// Words after its name.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
    /// Where it starts.
    pub directory: PathBuf,
}

/// The files that a program sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Files and folders of the machine, seen at their own place, not to be written. One that lies in another is not needed.
    /// Those that do not exist are left out.
    pub shown: Vec<PathBuf>,
    /// Links of the machine's root that must be there too, as `/bin` to `usr/bin`: where they lie and what they say.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Folders that are empty inside, also where they lie in one that is shown. What is shown below them is there all the same.
    pub unseen: Vec<PathBuf>,
    /// Folders of the machine that may be written. They must belong to the user that the program is outside, and nothing else may
    /// rely on what is in them as long as it runs.
    pub writable: Vec<Writable>,
    /// Small files that exist only inside.
    pub files: Vec<(PathBuf, String)>,
    /// A folder whose files are copied in before the program starts, and back when it has ended.
    pub exchange: Option<Exchange>,
    /// The most that `/tmp` and `/dev/shm` hold together, in bytes.
    pub scratch_bytes: u64,
}

/// A folder of the machine that a program may write. How much it puts there is for others to watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Writable {
    /// The folder outside.
    pub outside: PathBuf,
    /// Where the program finds it. Where there is no tree of files of its own it finds it where it is.
    pub inside: PathBuf,
}

/// A folder of the machine of which the program gets a copy in its scratch space.
///
/// A copy, so that it cannot fill a disk through it; what it left is copied back once nothing of it runs any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The folder outside.
    pub outside: PathBuf,
    /// Where the program finds the copy: below `/tmp`.
    pub inside: PathBuf,
    /// The names of the files; those that do not exist are left out.
    pub files: Vec<String>,
    /// The most that is copied of each, in bytes. One byte more is copied of a longer one, so that it is seen to be too long.
    pub bytes_max: u64,
}

/// What a program may use, as limits of each of its processes. What the whole may use is a matter of [`crate::Cgroups`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most data of one process, in bytes: its heap and what it maps without a file.
    pub data_bytes: Option<u64>,
    /// The most processes and threads.
    pub processes_max: u64,
    /// The most open files of one process.
    pub files_max: u64,
    /// The largest that a process may make a file, in bytes.
    pub file_bytes_max: Option<u64>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { data_bytes: None, processes_max: PROCESSES_MAX, files_max: FILES_MAX, file_bytes_max: None }
    }
}

/// Processes and threads, unless something else is asked for. Node.js starts with about a dozen threads.
const PROCESSES_MAX: u64 = 256;
/// Open files of a process, unless something else is asked for.
const FILES_MAX: u64 = 4096;

/// The parts of the sandbox, each on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// Users of its own; without them the others need a server that runs as root.
    pub users: bool,
    /// A tree of files of its own.
    pub mounts: bool,
    /// Processes of its own: it sees and signals no others, and all of them end with the first.
    pub processes: bool,
    /// Semaphores, queues and shared memory of its own.
    pub ipc: bool,
    /// A name of the machine of its own.
    pub name: bool,
    /// A network of its own, unless it is to have the machine's.
    pub network: bool,
    /// A root of control groups of its own.
    pub cgroups: bool,
    /// Rules on files by Landlock, under the view.
    pub landlock: bool,
    /// A filter of system calls.
    pub seccomp: bool,
}

impl Parts {
    /// All of them.
    pub const ALL: Parts = Parts {
        users: true,
        mounts: true,
        processes: true,
        ipc: true,
        name: true,
        network: true,
        cgroups: true,
        landlock: true,
        seccomp: true,
    };
    /// None of them: privileges are dropped and limits are set, and that is all.
    pub const NONE: Parts = Parts {
        users: false,
        mounts: false,
        processes: false,
        ipc: false,
        name: false,
        network: false,
        cgroups: false,
        landlock: false,
        seccomp: false,
    };
}

/// Whether `path` lies at or below one of `folders`.
pub(crate) fn is_within<'a>(path: &Path, folders: impl IntoIterator<Item = &'a PathBuf>) -> bool {
    folders.into_iter().any(|folder| path.starts_with(folder))
}
