//! Workers within a sandbox: what a process of this driver may see and use.
//!
//! A [`Program`] is wrapped: started instead is a launcher of `tidemill_sandbox`, a copy of its template, which has the descriptors
//! that the program is to have and one more, for talking with it. When it is there, [`Wrapped::finish`] lets it go on, and the program runs. The
//! process that this driver waits for and ends is the launcher; it ends as the program did, and the program with it.
//!
//! A function sees the machine's programs and libraries, its interpreter, its package and environment; a spare interpreter is
//! shown the latter two when it is told what it will run ([`Confined::show`]). Shell programs exchange state and messages by a copy
//! of their folder.

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::process::Pid;
use tidemill_core::{
    limits::{SENDS_BYTES_MAX, STATE_BYTES_MAX},
    ports::Environment,
    spec::Resources,
};
use tidemill_sandbox::{
    Amounts, Cgroups, Controller, Exchange, Failure, Finding, Findings, Group, Ids, Inside, Launcher, Limits, Opening,
    Parts, Plan, Users, View,
};

use super::spawn::Program;

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

/// What a program asks of its sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wants {
    /// Files and folders beside the usual ones.
    pub shown: Vec<PathBuf>,
    /// The folder of an execution, and where the program finds it.
    pub exchange: Option<(PathBuf, PathBuf)>,
    /// The machine's network.
    pub network: bool,
    /// What it may use, to begin with.
    pub resources: Resources,
}

/// The sandbox of this machine, which workers and builds share. See the module.
#[derive(Debug)]
pub struct Sandbox {
    config: SandboxConfig,
    findings: Findings,
    users: Option<Users>,
    cgroups: Cgroups,
}

impl Sandbox {
    /// Finds out what this machine gives. `None` when it is off. Blocks for some milliseconds.
    pub fn open(config: SandboxConfig) -> Option<Arc<Sandbox>> {
        if config.mode == SandboxMode::Off {
            return None;
        }
        let cgroups = Cgroups::new(&config.controllers);
        let findings = tidemill_sandbox::probe(&config.launcher, &cgroups);
        for finding in findings.refused() {
            tracing::warn!(%finding, "the sandbox lacks a mechanism");
        }
        Some(Arc::new(Sandbox { findings, users: Users::new().ok(), cgroups, config }))
    }

    /// What this machine gives.
    pub fn findings(&self) -> &[Finding] {
        &self.findings.list
    }

    /// The settings that it was opened with.
    pub(crate) fn config(&self) -> &SandboxConfig {
        &self.config
    }

    /// The parts of it that this machine gives.
    pub(crate) fn parts(&self) -> Parts {
        self.findings.parts
    }

    /// Whether it keeps programs apart from the machine and each other in every way it knows, and holds what memory and how many
    /// processes one has, so that it cannot take from others what they need.
    pub fn isolates(&self) -> bool {
        let holds = [Controller::Memory, Controller::Processes].map(|controller| self.cgroups.has(controller));
        self.findings.parts == Parts::ALL && holds == [true; 2]
    }

    /// What all programs see, with so much scratch space.
    pub(crate) fn view(&self, has_network: bool, scratch_bytes: u64) -> View {
        View { unseen: self.config.unseen.clone(), ..View::of_machine(has_network, scratch_bytes) }
    }

    /// The user that the next program is outside.
    pub(crate) fn ids(&self) -> Ids {
        self.users.as_ref().map_or(Ids::Own, Users::next)
    }

    /// A group for a program that is no worker.
    pub(crate) fn group(&self, amounts: &Amounts) -> io::Result<Group> {
        self.cgroups.group(amounts)
    }

    /// Whether a program can be shown folders when it runs already.
    pub(crate) fn shows_later(&self) -> bool {
        self.findings.parts.mounts
    }

    /// Removes what was made for workers. They must have ended. Blocks for some milliseconds at most.
    pub(crate) fn close(&self) {
        self.cgroups.close();
    }

    /// Why nothing may run: it is strict, and this machine does not give all of it.
    pub(crate) fn refusal(&self) -> Option<String> {
        if self.config.mode != SandboxMode::Strict || self.findings.is_complete() {
            return None;
        }
        // What is refused is mostly refused together.
        let mut lacks: Vec<(Vec<&str>, &str)> = Vec::new();
        for finding in self.findings.refused() {
            let why = finding.state.as_ref().err().map_or("", String::as_str);
            match lacks.iter_mut().find(|(_, known)| *known == why) {
                Some((mechanisms, _)) => mechanisms.push(finding.mechanism),
                None => lacks.push((vec![finding.mechanism], why)),
            }
        }
        let lacks: Vec<String> =
            lacks.iter().map(|(mechanisms, why)| format!("{} ({why})", mechanisms.join(", "))).collect();
        Some(format!(
            "the sandbox is strict, and this machine refuses some of it: {}. With sandbox = \"on\" functions run in what there is of it",
            lacks.join("; ")
        ))
    }

    /// What a launcher that is to start `program` gets behind its standard descriptors.
    pub(crate) fn wrap(&self, program: Program) -> io::Result<(Vec<OwnedFd>, Wrapped)> {
        let wants = program.wants;
        let mut view = self.view(wants.network, self.config.scratch_bytes);
        self.config.shown.iter().chain(&wants.shown).for_each(|path| view.show(path));
        if !wants.shown.iter().any(|folder| program.program.starts_with(folder)) {
            // One of a package says nothing of what else is to be seen: whoever packed it could have it lead anywhere.
            view.show_program(&program.program);
        }
        view.exchange = wants.exchange.map(|(outside, inside)| Exchange {
            outside,
            inside,
            files: crate::exchange::FILES.map(str::to_owned).to_vec(),
            bytes_max: SENDS_BYTES_MAX.max(STATE_BYTES_MAX as u64),
        });
        let handed = u8::try_from(program.handed.len()).map_err(io::Error::other)?;
        let plan = Plan {
            program: tidemill_sandbox::Program {
                path: program.program,
                arguments: program.arguments.into_iter().map(text).collect::<io::Result<_>>()?,
                environment: program
                    .environment
                    .into_iter()
                    .map(|(name, value)| Ok((text(name)?, text(value)?)))
                    .collect::<io::Result<_>>()?,
                directory: program.directory,
                handed,
            },
            view,
            limits: Limits { processes_max: self.config.processes_max, ..Limits::default() },
            network: wants.network,
            parts: self.findings.parts,
        };
        let amounts = amounts(self.config.processes_max, wants.resources);
        let group = self.cgroups.group(&amounts)?;
        let (opening, end) = Opening::new(plan)?;
        let mut descriptors = program.handed;
        descriptors.push(end);
        let ids = self.ids();
        let memory = AtomicU64::new(amounts.memory_bytes.unwrap_or(0));
        Ok((descriptors, Wrapped { opening, ids, group, memory }))
    }
}

fn amounts(processes_max: u64, resources: Resources) -> Amounts {
    Amounts {
        memory_bytes: resources.memory_bytes,
        processes_max: Some(processes_max),
        cpu_millis: resources.cpu_millis,
    }
}

/// The plan of a sandbox is text.
pub(crate) fn text(word: std::ffi::OsString) -> io::Result<String> {
    word.into_string().map_err(|word| io::Error::other(format!("{} is not UTF-8", word.display())))
}

/// A program whose launcher was started.
pub(crate) struct Wrapped {
    opening: Opening,
    ids: Ids,
    group: Group,
    memory: AtomicU64,
}

impl Wrapped {
    /// Waits until the program runs. Blocks for some milliseconds. The error is the program's own when it could not be started.
    pub fn finish(self, launcher: Pid) -> io::Result<Arc<Confined>> {
        let Wrapped { opening, ids, group, memory } = self;
        let inside = opening.finish(launcher, ids, Some(&group)).map_err(explain)?;
        Ok(Arc::new(Confined { inside, group, memory }))
    }
}

/// Makes the failure of a start the program's own, when it is.
pub(crate) fn explain(failure: Failure) -> io::Error {
    match failure.errno {
        Some(errno) if failure.step.starts_with("start ") => io::Error::from_raw_os_error(errno),
        _ => failure.into(),
    }
}

/// A program in its sandbox. It lives as long as this.
#[derive(Debug)]
pub(crate) struct Confined {
    // Dropped before the group, so that the group's processes end.
    inside: Inside,
    group: Group,
    /// The limit in bytes; 0 for none.
    memory: AtomicU64,
}

impl Confined {
    /// The program's process as this machine sees it.
    pub fn program(&self) -> Pid {
        self.inside.program()
    }

    /// Shows it the folders of its function, and holds it to `resources`. Blocks for about a millisecond.
    pub fn show(&self, folders: Vec<PathBuf>, resources: Resources) -> io::Result<()> {
        let mut amounts = Amounts { processes_max: None, ..amounts(0, resources) };
        let memory = resources.memory_bytes.unwrap_or(0);
        if self.memory.swap(memory, Ordering::Relaxed) == memory {
            amounts.memory_bytes = None;
        }
        self.group.limit(&amounts, Some(self.program()))?;
        if folders.is_empty() { Ok(()) } else { self.inside.show(folders).map_err(Into::into) }
    }

    /// The limit that it was killed for breaking, by the kernel.
    pub fn broken_memory_limit(&self) -> Option<u64> {
        let limit = Some(self.memory.load(Ordering::Relaxed)).filter(|limit| *limit > 0)?;
        (self.group.killed_for_memory() > 0).then_some(limit)
    }
}

/// The folders of an environment and of the package in `directory`.
pub(crate) fn folders(directory: &Path, environment: &Environment) -> Vec<PathBuf> {
    let mut folders = vec![directory.to_owned()];
    for path in &environment.paths {
        let home = match path.file_name().and_then(|name| name.to_str()) {
            Some("node_modules") => path.parent(),
            Some("site-packages") => path.ancestors().nth(3),
            _ => Some(path.as_path()),
        };
        let home = home.unwrap_or(path);
        if home.is_dir() && !folders.iter().any(|known| home.starts_with(known)) {
            folders.push(home.to_owned());
        }
    }
    folders
}
