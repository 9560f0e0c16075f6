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
use tidemill_sandbox::{Amounts, Exchange, Group, Ids, Inside, Limits, Opening};

use super::spawn::{Owned, Program};
use crate::sandbox::{Command, Entry, Sandbox, explain};

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

impl Sandbox {
    /// What a launcher that is to start `program` gets behind its standard descriptors.
    pub(crate) fn wrap(&self, program: Program) -> io::Result<(Vec<OwnedFd>, Wrapped)> {
        let wants = program.wants;
        let mut view = self.view(wants.network, self.config().scratch_bytes);
        self.config().shown.iter().chain(&wants.shown).for_each(|path| view.show(path));
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
        let amounts = amounts(self.config().processes_max, wants.resources);
        let Entry { opening, end, group } = self.enter(Command {
            program: program.program,
            arguments: program.arguments,
            environment: program.environment,
            directory: program.directory,
            view,
            limits: Limits { processes_max: self.config().processes_max, ..Limits::default() },
            network: wants.network,
            amounts,
        })?;
        let mut descriptors = program.handed;
        descriptors.push(end);
        let memory = AtomicU64::new(amounts.memory_bytes.unwrap_or(0));
        let has_processes = self.parts().processes;
        let processes_max = self.config().processes_max;
        Ok((descriptors, Wrapped { opening, ids: self.ids(), group, memory, has_processes, processes_max }))
    }
}

fn amounts(processes_max: u64, resources: Resources) -> Amounts {
    Amounts {
        memory_bytes: resources.memory_bytes,
        processes_max: Some(processes_max),
        cpu_millis: resources.cpu_millis,
    }
}

/// A program whose launcher was started.
pub(crate) struct Wrapped {
    opening: Opening,
    ids: Ids,
    group: Group,
    memory: AtomicU64,
    has_processes: bool,
    processes_max: u64,
}

impl Wrapped {
    /// Waits until the program runs. Blocks for some milliseconds. The error is the program's own when it could not be started.
    pub fn finish(self, launcher: Owned) -> io::Result<Owned> {
        let Wrapped { opening, ids, group, memory, has_processes, processes_max } = self;
        match opening.finish(launcher.leash().leader(), ids, Some(&group)) {
            Ok(inside) => {
                let confined = Confined { inside, group, memory, has_processes, processes_max };
                launcher.leash().confine(Arc::new(confined));
                Ok(launcher)
            }
            Err(failure) => Err(explain(failure, launcher)),
        }
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
    /// Whether it has processes of its own, which the kernel ends together.
    has_processes: bool,
    processes_max: u64,
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

    /// Whether the kernel ends all that runs inside when the launcher ends.
    pub fn is_ended_by_kernel(&self) -> bool {
        self.has_processes
    }

    /// Has the launcher end all that runs inside. Does not wait for it.
    pub fn end(&self) {
        self.inside.end();
    }

    /// The most processes and threads that it may have.
    pub fn processes_max(&self) -> u64 {
        self.processes_max
    }

    /// The limit in bytes for which the kernel killed it, or a part of it.
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
