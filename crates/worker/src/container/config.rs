//! The settings of a [`super::ContainerDriver`].

use std::path::PathBuf;

/// The settings of a [`super::ContainerDriver`].
#[derive(Clone, Debug)]
pub struct ContainerConfig {
    /// Where the engine is: `unix://…`, `tcp://…` or the path of a socket. `None` is `DOCKER_HOST`, else
    /// `unix:///var/run/docker.sock`. It must be an engine of this machine: folders of this machine are mounted.
    pub address: Option<String>,
    /// Whether functions may ask for privileged containers and for the host's network.
    pub allow_privileged: bool,
    /// Folders of this machine that functions may mount, with all below them; empty allows none.
    pub allow_mounts: Vec<PathBuf>,
    /// Names this data folder among those that use the same engine: letters, digits, `-`, `_` and `.`.
    pub instance: String,
    /// A folder for sockets and the files of executions, on a disk that the engine sees too, best with a short path: long-lived
    /// containers may need a socket in it. It is made when it is not there, and nobody else of the machine may enter it.
    pub runtime_dir: PathBuf,
    /// Memory of a container whose function sets no limit, in bytes; `None` is no limit.
    pub memory_bytes_default: Option<u64>,
    /// Cores of a container whose function sets no limit, in thousand-millionths; `None` is no limit.
    pub nano_cpus_default: Option<u64>,
    /// Whether the containers of ended executions are kept, for somebody who looks for a fault.
    pub leave_containers: bool,
}

impl ContainerConfig {
    /// The defaults: no rights beyond the usual, no limits, nothing left.
    pub fn new(instance: impl Into<String>, runtime_dir: impl Into<PathBuf>) -> ContainerConfig {
        ContainerConfig {
            address: None,
            allow_privileged: false,
            allow_mounts: Vec::new(),
            instance: instance.into(),
            runtime_dir: runtime_dir.into(),
            memory_bytes_default: None,
            nano_cpus_default: None,
            leave_containers: false,
        }
    }
}
