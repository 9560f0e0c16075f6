//! The place where one build goes on: what its commands see, may write and may use.
//!
//! With a sandbox each command of a build runs in one of its own, and all of them see the same:
//!
//! | | |
//! |---|---|
//! | to read | the machine's programs, the interpreter, a copy of the package where its installer reads files of it, what the variables of [`variables`](super::variables) name |
//! | to write | the folder of the environment that is made, and `/tmp`, which is also the home folder: a folder on disk that is the build's own and ends with it |
//! | network | the machine's: a build fetches packages |
//! | user | one of its own where the server is root: its files belong to that user until the build has ended |
//!
//! **No caches are shared.** A cache that one build can write and another reads is a way for a stranger's package into other
//! functions. What makes deploying fast again and again is that environments are kept by what they are made of; a cache serves only when
//! that changes, and then what has changed is fetched anew.
//!
//! **What was built is not believed.** The server writes nothing to the environment's folder once a command has run in it, follows no link
//! in it, and takes it back by [`tree`](super::tree) when all processes of the build have ended.
//!
//! Without a sandbox commands see, write and use what the server does.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tidemill_core::ports::BuildError;
use tidemill_sandbox::{Amounts, Ids, Limits, View, Writable};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    BuildLimits,
    command::Step,
    draft::disk,
    room::Room,
    sweeper::Sweeper,
    tree::{self, Owner},
    variables::{self, Variable},
};
use crate::sandbox::{Command, Entry, Launchers, Sandbox};

/// Open files of a process: installers open many at once.
const FILES_MAX: u64 = 16_384;
/// `/dev/shm` of a build, in bytes.
const SHARED_MEMORY_BYTES: u64 = 256 << 20;
/// Where a build finds its own folder for whatever is of no use later.
const SCRATCH: &str = "/tmp";
/// Settings of `/etc/ssl` that are no keys, beside those that all programs see.
const CERTIFICATES: [&str; 2] = ["/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"];

/// Where builds go on.
pub(crate) struct Sites {
    /// Holds a folder for each build that goes on.
    directory: PathBuf,
    sandbox: Option<Arc<Sandbox>>,
    limits: BuildLimits,
    /// The environment of builds, `PATH` left out.
    variables: Vec<Variable>,
    next: AtomicU64,
    /// A permit for each build that may go on.
    permits: Arc<Semaphore>,
    sweeper: Sweeper,
}

impl Sites {
    /// Keeps them in `directory`, which is emptied.
    pub fn new(
        directory: PathBuf,
        sandbox: Option<Arc<Sandbox>>,
        limits: BuildLimits,
        variables: Vec<Variable>,
        sweeper: Sweeper,
    ) -> io::Result<Sites> {
        if let Err(error) = tree::remove(&directory) {
            // It is in nobody's way: this process has names of its own.
            tracing::warn!(folder = %directory.display(), %error, "what builds have left cannot be removed");
        }
        // Others may pass through, for machines on which the inside has no tree of files of its own.
        fs::DirBuilder::new().recursive(true).mode(0o711).create(&directory)?;
        let directory = fs::canonicalize(directory)?;
        let permits = Arc::new(Semaphore::new(limits.concurrency.max(1) as usize));
        Ok(Sites { directory, sandbox, limits, variables, next: AtomicU64::new(0), permits, sweeper })
    }

    /// A place for a build that makes the environment in the folder `target`, where nothing of it has run yet. Waits while as many
    /// builds go on as may.
    pub async fn open(&self, target: &Path) -> Result<Site, BuildError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the permits are never closed");
        let mut site = Site {
            target: target.to_owned(),
            variables: self.variables.clone(),
            confines: None,
            permit: Some(permit),
            sweeper: self.sweeper.clone(),
        };
        let Some(sandbox) = &self.sandbox else { return Ok(site) };
        if let Some(refusal) = sandbox.refusal() {
            return Err(BuildError::Runtime(refusal));
        }
        let failed = "a place for the build cannot be made";
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let home = self.directory.join(format!("{}-{number}", std::process::id()));
        fs::DirBuilder::new().mode(0o711).create(&home).map_err(disk(failed))?;
        let ids = sandbox.ids();
        let own = Owner::this();
        let owner = match ids {
            Ids::Own => own,
            Ids::Other(id) => Owner { user: id, group: id },
        };
        let confines = site.confines.insert(Confines {
            sandbox: sandbox.clone(),
            limits: self.limits,
            ids,
            owner,
            room: Room::new(vec![home.clone(), target.to_owned()], self.limits.disk_bytes),
            view: sandbox.view(true, SHARED_MEMORY_BYTES),
            unseen: Vec::new(),
            is_given: false,
            home,
        });
        site.variables = confines.furnish(target, &self.variables).map_err(disk(failed))?;
        Ok(site)
    }
}

/// See the module. Dropping it has the sweeper remove what is of no use later.
pub(crate) struct Site {
    /// The folder of the environment.
    target: PathBuf,
    variables: Vec<Variable>,
    confines: Option<Confines>,
    /// Kept until nothing of the build is left.
    permit: Option<OwnedSemaphorePermit>,
    sweeper: Sweeper,
}

/// What a sandbox for builds takes.
pub(crate) struct Confines {
    sandbox: Arc<Sandbox>,
    limits: BuildLimits,
    ids: Ids,
    /// Who the build is outside.
    owner: Owner,
    /// The build's own folder.
    home: PathBuf,
    pub room: Room,
    view: View,
    /// The variables of the server, to tell which settings are not seen.
    unseen: Vec<Variable>,
    /// Whether the environment's folder belongs to the build.
    is_given: bool,
}

impl Site {
    /// The environment of commands, with `programs` in front of `search_path`.
    pub fn environment(
        &self,
        programs: &Path,
        search_path: &std::ffi::OsStr,
        further: &[(&str, &Path)],
    ) -> Vec<Variable> {
        let mut path = programs.as_os_str().to_owned();
        path.push(":");
        path.push(search_path);
        let mut environment = self.variables.clone();
        environment.push(("PATH".into(), path));
        environment.extend(further.iter().map(|(name, value)| (OsString::from(name), value.as_os_str().to_owned())));
        environment
    }

    /// Shows what the interpreter or program belongs to.
    pub fn show_program(&mut self, program: &Path) {
        if let Some(confines) = &mut self.confines {
            confines.view.show_program(program);
        }
    }

    /// Lets the build write to `folder` without changing it: it gets a copy, at the place of the folder itself where it has a tree of files of
    /// its own. Gives where it finds it. For installers that write beside sources.
    pub async fn lend(&mut self, folder: &Path) -> Result<PathBuf, BuildError> {
        let Some(confines) = &mut self.confines else { return Ok(folder.to_owned()) };
        let (from, copy, owner) = (folder.to_owned(), confines.home.join("package"), confines.owner);
        let to = copy.clone();
        let copying = move || tree::copy(&from, &to).and_then(|()| tree::hand_over(&to, owner));
        let copied = tokio::task::spawn_blocking(copying).await.unwrap_or_else(|error| Err(io::Error::other(error)));
        copied.map_err(disk("the package cannot be copied for the build"))?;
        Ok(confines.give(copy, folder))
    }

    /// A file with `text` that commands can read and not change. Gives its place.
    pub fn leave(&mut self, name: &str, text: &str) -> Result<PathBuf, BuildError> {
        let folder = self.confines.as_ref().map_or(&self.target, |confines| &confines.home);
        let place = folder.join(name);
        fs::write(&place, text).map_err(disk(format!("{name} cannot be written")))?;
        if let Some(confines) = &mut self.confines {
            confines.view.show(&place);
        }
        Ok(place)
    }

    /// The folder of the environment.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Who ends what is dropped here.
    pub fn sweeper(&self) -> &Sweeper {
        &self.sweeper
    }

    /// The sandbox of commands, if there is one.
    pub fn confines(&self) -> Option<&Confines> {
        self.confines.as_ref()
    }

    /// Makes the environment the server's own when all commands have succeeded, and removes what is of no use later.
    pub async fn finish(mut self) -> Result<(), BuildError> {
        let failed = "the environment cannot be taken over from its build";
        let closing = tokio::task::spawn_blocking(move || {
            let Some(mut confines) = self.confines.take() else { return Ok(()) };
            let taken = confines.take_back(&self.target);
            confines.remove();
            taken
        });
        closing.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(disk(failed))
    }

    /// Gives the environment's folder to the build, with what the server has put into it. To be called before each command.
    pub async fn begin(&mut self) -> Result<(), BuildError> {
        let confines = match &mut self.confines {
            Some(confines) if !confines.is_given => confines,
            _ => return Ok(()),
        };
        confines.is_given = true;
        let (target, owner) = (self.target.clone(), confines.owner);
        let giving = tokio::task::spawn_blocking(move || tree::hand_over(&target, owner)).await;
        let failed = "the environment cannot be given to its build";
        giving.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(disk(failed))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // The environment's folder is removed next, by whoever made it.
        if let Some(confines) = self.confines.take() {
            let permit = self.permit.take();
            let sweep = move || {
                confines.remove();
                drop(permit);
            };
            self.sweeper.hand_over(&self.target, sweep);
        }
    }
}

impl Confines {
    /// Makes what the build needs beside the environment in `target`, and gives the variables of its commands.
    fn furnish(&mut self, target: &Path, all: &[Variable]) -> io::Result<Vec<Variable>> {
        self.unseen = all.to_vec();
        let data = self.home.ancestors().nth(2).map(Path::to_owned);
        let holds_data = |path: &Path| data.as_ref().is_some_and(|data| data.starts_with(path));
        let wanted = self.sandbox.config().shown.clone().into_iter().chain(variables::named(all));
        let certificates = CERTIFICATES.iter().map(PathBuf::from).chain(variables::settings_of_machine());
        for path in wanted.chain(certificates).filter(|path| !holds_data(path)) {
            self.view.show(path);
        }
        if !self.sandbox.parts().mounts {
            // Landlock alone lets the machine's own be read, in place of those made up for the inside.
            self.view.shown.extend(self.view.files.iter().map(|(path, _)| path.clone()));
        }
        let scratch = self.home.join("tmp");
        fs::create_dir(&scratch)?;
        tree::hand_over(&scratch, self.owner)?;
        let scratch = self.give(scratch, Path::new(SCRATCH));
        self.give(target.to_owned(), target);
        let mut variables: Vec<Variable> = variables::inside(all).cloned().collect();
        for (number, (_, value)) in variables.iter_mut().enumerate().filter(|(_, it)| variables::names_settings(&it.0))
        {
            if let Some(copy) = self.copy_settings(Path::new(value), number)? {
                *value = copy.into();
            }
        }
        variables.extend(["HOME", "TMPDIR"].map(|name| (name.into(), scratch.clone().into())));
        Ok(variables)
    }

    /// A copy that the build may read even if the file is closed to others. `None` for what is no file.
    fn copy_settings(&mut self, file: &Path, number: usize) -> io::Result<Option<PathBuf>> {
        if !file.is_file() {
            return Ok(None);
        }
        let place = self.home.join(format!("settings-{number}"));
        fs::copy(file, &place)?;
        fs::set_permissions(&place, fs::Permissions::from_mode(0o400))?;
        tree::give_file(&place, self.owner)?;
        self.view.show(&place);
        Ok(Some(place))
    }

    /// Lets the build write to `outside`. Gives where it finds it: `inside`, where it has a tree of files of its own.
    fn give(&mut self, outside: PathBuf, inside: &Path) -> PathBuf {
        let place = if self.sandbox.parts().mounts { inside.to_owned() } else { outside.clone() };
        self.view.writable.push(Writable { outside, inside: place.clone() });
        place
    }

    /// Makes `target` the server's own again.
    fn take_back(&mut self, target: &Path) -> io::Result<()> {
        if !std::mem::take(&mut self.is_given) {
            return Ok(());
        }
        tree::take_back(target, self.owner)
    }

    /// Removes the build's own folder. Blocks.
    fn remove(&self) {
        if let Err(error) = tree::remove(&self.home) {
            tracing::warn!(folder = %self.home.display(), %error, "what a build has left cannot be removed");
        }
    }

    /// What starts the launchers of commands.
    pub fn launchers(&self) -> &Launchers {
        self.sandbox.launchers()
    }

    /// Who the build is.
    pub fn ids(&self) -> Ids {
        self.ids
    }

    /// What the launcher of `step` needs.
    pub fn enter(&self, step: Step) -> io::Result<Entry> {
        self.sandbox.enter(Command {
            program: step.program,
            arguments: step.arguments,
            environment: step.environment,
            directory: step.directory,
            view: self.view.clone(),
            limits: Limits {
                processes_max: self.limits.processes_max,
                files_max: FILES_MAX,
                file_bytes_max: Some(self.room.file_bytes_max()),
                ..Limits::default()
            },
            network: true,
            amounts: Amounts {
                memory_bytes: self.limits.memory_bytes,
                processes_max: Some(self.limits.processes_max),
                cpu_millis: None,
            },
        })
    }

    /// What may help when the command `name` has failed.
    pub fn hints(&self, name: &str) -> Vec<String> {
        let hint = |(path, variable): (PathBuf, &str)| {
            format!(
                "hint: builds do not see {}; the server's variable {variable} may name settings for them",
                path.display()
            )
        };
        variables::unseen(name, &self.unseen).into_iter().map(hint).collect()
    }
}
