//! Words for what an engine is asked and what it tells.

use std::{collections::BTreeMap, fmt, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use tidemill_core::Timestamp;

/// Who an engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EngineVersion {
    /// Its own version, as in `20.10.24`.
    pub version: String,
    /// The version of its API that is spoken, as in `1.41`.
    pub api: String,
}

/// The id of a container, or its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ContainerId(pub Arc<str>);

impl ContainerId {
    /// An id or a name from its text.
    pub fn new(id: impl Into<Arc<str>>) -> ContainerId {
        ContainerId(id.into())
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an engine knows of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImageFacts {
    /// Its content-addressed id, as in `sha256:…`.
    pub id: String,
    /// Its names with digests, as in `busybox@sha256:…`.
    pub digests: Vec<String>,
    /// Its variables.
    pub env: Vec<(String, String)>,
    /// The user that its programs run as; empty is root.
    pub user: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it has neither an entry point nor a command.
    pub has_no_program: bool,
}

/// An image to be built from a context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BuildImage {
    /// The name and tag it gets.
    pub name: String,
    /// Path of the Dockerfile within the context.
    pub dockerfile: String,
    /// Memory of each step, swap included, in bytes.
    pub memory_bytes: Option<u64>,
    /// Cores of each step, in thousand-millionths.
    pub nano_cpus: Option<u64>,
    /// Build arguments.
    pub arguments: BTreeMap<String, String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Fetch newer base images even when there are some.
    pub pull: bool,
    /// Do not use layers of earlier builds.
    pub no_cache: bool,
}

/// A folder or file of the host in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostMount {
    /// Path on the host; must exist.
    pub source: String,
    /// Path in the container.
    pub target: String,
    /// Whether the container may not write there.
    pub read_only: bool,
}

/// A container to be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ContainerSettings {
    /// Its name, unique on the engine.
    pub name: String,
    /// Image by name with tag, by name with digest, or by id.
    pub image: String,
    /// What it is found by.
    pub labels: BTreeMap<String, String>,
    /// Environment; later entries of one name win.
    pub env: Vec<(String, String)>,
    /// In place of the image's entry point.
    pub entrypoint: Option<Vec<String>>,
    /// In place of the image's command.
    pub command: Option<Vec<String>>,
    /// `uid`, `uid:gid` or a name; empty is the image's.
    pub user: String,
    /// Working directory; empty is the image's.
    pub working_dir: String,
    /// Folders and files of the host.
    pub mounts: Vec<HostMount>,
    /// Networks; empty is the engine's default network, `["none"]` is none.
    pub networks: Vec<String>,
    /// Ports of the container (TCP) that get a free port of the host's loopback address.
    pub publish: Vec<u16>,
    /// Memory and swap together, in bytes.
    pub memory_bytes: Option<u64>,
    /// Cores, in thousand-millionths.
    pub nano_cpus: Option<u64>,
    /// Processes and threads at once.
    pub pids_max: u32,
    /// All rights of the host.
    pub privileged: bool,
    /// Capabilities taken away, as in `NET_RAW`.
    pub cap_drop: Vec<String>,
    /// No program in it may gain rights (setuid).
    pub no_new_privileges: bool,
    /// The root file system cannot be written to.
    pub read_only_root: bool,
    /// A small init as process 1, which reaps and passes signals on.
    pub init: bool,
}

/// Where a container stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerStatus {
    /// Made, not started.
    Created,
    /// Its process lives (running, paused, restarting).
    Running,
    /// Its process has ended.
    Ended,
}

/// What an engine knows of a container.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ContainerFacts {
    /// Its id.
    pub id: ContainerId,
    /// Where it stands.
    pub status: ContainerStatus,
    /// Exit code of its process; meaningful when it has ended.
    pub exit_code: i64,
    /// Whether the kernel killed a process of it for memory.
    pub is_oom_killed: bool,
    /// Why it did not start, in the engine's words; may be empty.
    pub error: String,
    /// From its start until its end, when both are known.
    pub run_time: Option<Duration>,
    /// The engine's own description (`State`).
    pub state: serde_json::Value,
    /// Its addresses, by network.
    pub addresses: BTreeMap<String, IpAddr>,
    /// Published ports: those of the container and their ports on the host.
    pub published: BTreeMap<u16, u16>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A container in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContainerSummary {
    /// Its id.
    pub id: ContainerId,
    /// Its name, without `/`.
    pub name: String,
    /// Where it stands.
    pub status: ContainerStatus,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// Which output of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogSource {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Something a container printed: a line, or a piece of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogChunk {
    /// Where it was printed to.
    pub source: LogSource,
    /// When, as the engine saw it.
    pub time: Timestamp,
    /// The text as the engine stamped it, which tells pieces apart that are equal otherwise. May be empty.
    pub stamp: String,
    /// What was printed, with its line end.
    pub bytes: Bytes,
}

/// What a container uses, as counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// CPU time, in nanoseconds.
    pub cpu_ns: u64,
    /// Bytes received from networks and read from block devices.
    pub io_bytes: u64,
    /// Memory, the largest the engine saw so far or else that of now, in bytes.
    pub memory_bytes: u64,
}
