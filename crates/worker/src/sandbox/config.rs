//! The settings of the sandbox.

use std::path::PathBuf;

use tidemill_sandbox::{Controller, Launcher};

/// Whether processes are put into a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SandboxMode {
    /// No.
    Off,
    /// With all that this machine gives.
    On,
    /// Only if this machine gives all of it; nothing runs otherwise.
    Strict,
}

/// The settings of the sandbox.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Whether there is one.
    pub mode: SandboxMode,
    /// The program that is a launcher when asked to be.
    pub launcher: Launcher,
    /// The most that `/tmp` and `/dev/shm` of a worker hold, in bytes.
    pub scratch_bytes: u64,
    /// The most processes and threads of a worker.
    pub processes_max: u64,
    /// Files and folders that all functions see beside the usual ones.
    pub shown: Vec<PathBuf>,
    /// Folders that no function sees, even where they lie in one that is shown: the server's data. What a function needs of them
    /// it sees all the same.
    pub unseen: Vec<PathBuf>,
    /// What may be limited by control groups.
    pub controllers: Vec<Controller>,
}

/// What a worker may put into `/tmp`, unless something else is asked for.
const SCRATCH_BYTES: u64 = 256 << 20;
/// Processes and threads of a worker, unless something else is asked for.
const PROCESSES_MAX: u64 = 512;

impl SandboxConfig {
    /// The defaults, with `launcher`.
    pub fn new(mode: SandboxMode, launcher: Launcher) -> SandboxConfig {
        SandboxConfig {
            mode,
            launcher,
            scratch_bytes: SCRATCH_BYTES,
            processes_max: PROCESSES_MAX,
            shown: Vec::new(),
            unseen: Vec::new(),
            controllers: Controller::ALL.to_vec(),
        }
    }

    /// None.
    pub fn off() -> SandboxConfig {
        SandboxConfig::new(SandboxMode::Off, Launcher::this())
    }
}
