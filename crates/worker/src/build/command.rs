//! Running an install or build command, in the sandbox of its site if there is one, with its lines shown as they come.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::PathBuf,
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use rustix::{
    pipe::{PipeFlags, pipe_with},
    process::{Pid, Signal},
};
use tidemill_core::ports::{BuildError, Progress};
use tidemill_sandbox::{Group, Inside};
use tokio::{io::unix::AsyncFd, net::unix::pipe, sync::oneshot, time::sleep_until};

use super::{
    site::{Confines, Site},
    sweeper::Sweeper,
};
use crate::{
    logs::{LineSplitter, cut_text},
    process::{ENDING_MAX, Owned, how_it_ended},
    sandbox::{Entry, explain},
};

/// Lines of output that an error shows.
const SHOWN_LINES_MAX: usize = 40;
/// Bytes of each of them.
const SHOWN_LINE_BYTES_MAX: usize = 2000;

/// One command.
pub(crate) struct Step {
    /// How it is called in messages.
    pub name: String,
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub directory: PathBuf,
    /// The whole environment.
    pub environment: Vec<(OsString, OsString)>,
}

/// The longest that any build goes on, and that others wait for it, in seconds.
const SECONDS_MAX: u64 = 2 * 3600;

/// When a build that begins now must be over.
pub(crate) fn deadline(build_timeout_seconds: Option<i64>) -> Instant {
    Instant::now() + allowed(build_timeout_seconds)
}

/// How long a build may take whose function asks for so many seconds: as long as any when it asks for no limit.
fn allowed(build_timeout_seconds: Option<i64>) -> Duration {
    const DEFAULT_SECONDS: i64 = 3600;
    let asked = u64::try_from(build_timeout_seconds.unwrap_or(DEFAULT_SECONDS)).ok().filter(|seconds| *seconds > 0);
    Duration::from_secs(asked.unwrap_or(SECONDS_MAX).min(SECONDS_MAX))
}

/// A command that runs. Dropped before it has ended, it is handed to the sweeper, which kills what it started and waits for its end.
struct Running {
    /// `None` when it has ended or was handed over.
    process: Option<Process>,
    /// The environment that it makes.
    folder: PathBuf,
    sweeper: Sweeper,
}

struct Process {
    owned: Owned,
    exit: AsyncFd<OwnedFd>,
    sandbox: Option<(Inside, Group)>,
}

impl Process {
    fn new(owned: Owned, sandbox: Option<(Inside, Group)>) -> io::Result<Process> {
        Ok(Process { exit: owned.watch()?, owned, sandbox })
    }

    /// Whether the kernel killed some of it for want of memory.
    fn lacked_memory(&self) -> bool {
        self.sandbox.as_ref().is_some_and(|(_, group)| group.killed_for_memory() > 0)
    }

    /// Ends it and whatever it started. Blocks for some seconds at most, and not if it has ended.
    fn end(mut self) -> io::Result<ExitStatus> {
        if let Some((inside, group)) = self.sandbox.take() {
            // The launcher ends all of them, and itself when none is left.
            drop(inside);
            self.owned.leash().ends_within(ENDING_MAX);
            drop(group);
        }
        self.owned.reap()
    }
}

impl Running {
    fn new(process: Process, site: &Site) -> Running {
        Running { process: Some(process), folder: site.target().to_owned(), sweeper: site.sweeper().clone() }
    }

    /// Waits for its end. Cancel-safe. To be called until it gives one, and not after that.
    async fn wait(&mut self) -> io::Result<(ExitStatus, bool)> {
        if let Some(process) = &self.process {
            let _ = process.exit.readable().await?;
        }
        let process = self.process.take().ok_or_else(|| io::Error::other("it was waited for already"))?;
        let lacked_memory = process.lacked_memory();
        Ok((process.end()?, lacked_memory))
    }

    /// Ends it and whatever it started.
    async fn end(mut self) -> io::Result<()> {
        let Some(process) = self.process.take() else { return Ok(()) };
        let (ended, end) = oneshot::channel();
        // By the sweeper, so that nothing is removed before that is over if nobody waits here any more.
        self.sweeper.hand_over(&self.folder, move || drop(ended.send(process.end())));
        end.await.map_err(io::Error::other)?.map(drop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            self.sweeper.hand_over(&self.folder, move || drop(process.end()));
        }
    }
}

/// How a command ended.
enum End {
    Exited {
        status: ExitStatus,
        lacked_memory: bool,
    },
    /// It was ended, for this reason.
    Stopped(String),
}

impl Step {
    /// Runs it to its end. An exit code other than 0 is an error.
    pub async fn run(self, site: &mut Site, deadline: Instant, progress: &dyn Progress) -> Result<(), BuildError> {
        let name = self.name.clone();
        let cannot = |error: io::Error| BuildError::Io { what: format!("{name} could not be run"), source: error };
        site.begin().await?;
        let confines = site.confines();
        let (output, output_end) = pipe_with(PipeFlags::CLOEXEC).map_err(|error| cannot(error.into()))?;
        let process = match confines {
            Some(confines) => self.start_inside(confines, output_end).await,
            None => self.start(output_end),
        };
        let running = Running::new(process.map_err(cannot)?, site);
        let output = pipe::Receiver::from_owned_fd(output).map_err(cannot)?;
        let mut shown = VecDeque::new();
        let mut show = |line: &str| {
            progress.line(line);
            if shown.len() == SHOWN_LINES_MAX {
                shown.pop_front();
            }
            shown.push_back(cut_text(line, SHOWN_LINE_BYTES_MAX));
        };
        let stop = stop(confines, deadline);
        let ended = follow(running, &output, stop, &mut show).await.map_err(cannot)?;
        // What a command has made counts however soon it ended.
        let excess = match (confines, &ended) {
            (Some(confines), End::Exited { .. }) => confines.room.look().await,
            _ => None,
        };
        let reason = match (ended, excess) {
            (_, Some(reason)) => reason,
            (End::Exited { status, .. }, None) if status.success() => return Ok(()),
            (End::Exited { status, lacked_memory }, None) => how_it_failed(status, lacked_memory, confines.is_some()),
            (End::Stopped(reason), None) => reason,
        };
        confines.map(|confines| confines.hints(&name)).unwrap_or_default().iter().for_each(|hint| show(hint));
        Err(BuildError::Command { step: name, reason, output: Vec::from(shown).join("\n") })
    }

    /// Starts it as what this process is.
    fn start(self, output: OwnedFd) -> io::Result<Process> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory).env_clear().envs(self.environment);
        let standard = Standard::new(output)?;
        command.stdin(standard.input).stdout(standard.output).stderr(standard.errors).process_group(0);
        Process::new(Owned::new(Pid::from_child(&command.spawn()?)), None)
    }

    /// Starts it in the sandbox, and waits until it runs.
    async fn start_inside(self, confines: &Confines, output: OwnedFd) -> io::Result<Process> {
        let ids = confines.ids();
        let Entry { opening, end, group } = confines.enter(self)?;
        let Standard { input, output, errors } = Standard::new(output)?;
        let owned = confines.launchers().start(vec![input, output, errors, end], Owned::new).await?;
        let opening = move || match opening.finish(owned.leash().leader(), ids, Some(&group)) {
            Ok(inside) => Process::new(owned, Some((inside, group))),
            Err(failure) => Err(explain(failure, owned)),
        };
        tokio::task::spawn_blocking(opening).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// The standard descriptors of a command: nothing to read, and one pipe for all that it says.
struct Standard {
    input: OwnedFd,
    output: OwnedFd,
    errors: OwnedFd,
}

impl Standard {
    fn new(output: OwnedFd) -> io::Result<Standard> {
        Ok(Standard { input: File::open("/dev/null")?.into(), errors: output.try_clone()?, output })
    }
}

/// What to say of a command that failed.
fn how_it_failed(status: ExitStatus, lacked_memory: bool, is_limited: bool) -> String {
    let ended = how_it_ended(status);
    if lacked_memory {
        return format!("it {ended}; it took more memory than builds may (builds.memory)");
    }
    // A shell says so of its last command.
    let is_too_large =
        status.signal() == Some(Signal::XFSZ.as_raw()) || status.code() == Some(128 + Signal::XFSZ.as_raw());
    if is_limited && is_too_large {
        return format!(
            "it {ended}; it wrote a file that is larger than builds may have (builds.disk) or the disk has room for"
        );
    }
    format!("it {ended}")
}

/// Comes back when a command must not go on, with the reason.
async fn stop(confines: Option<&Confines>, deadline: Instant) -> String {
    let overfull = async {
        match confines {
            Some(confines) => confines.room.overfull().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        reason = overfull => reason,
        () = sleep_until(deadline.into()) => "it took longer than the build timeout".to_owned(),
    }
}

/// Waits for the end of a command, or for `stop`.
async fn follow(
    mut running: Running,
    output: &pipe::Receiver,
    stop: impl Future<Output = String>,
    mut line: impl FnMut(&str),
) -> io::Result<End> {
    let mut lines = LineSplitter::default();
    let mut is_open = true;
    let mut buffer = vec![0u8; 16 * 1024];
    let mut stop = std::pin::pin!(stop);
    let (status, lacked_memory) = loop {
        tokio::select! {
            _ = output.readable(), if is_open => match output.try_read(&mut buffer) {
                Ok(0) => is_open = false,
                Ok(read) => lines.push(&buffer[..read], &mut line),
                Err(error) => is_open = error.kind() == io::ErrorKind::WouldBlock,
            },
            ended = running.wait() => break ended?,
            reason = &mut stop => {
                running.end().await?;
                lines.flush(&mut line);
                return Ok(End::Stopped(reason));
            }
        }
    };
    // At most what a pipe holds: something it left behind may go on writing.
    for _ in 0..8 {
        match rustix::io::read(output.as_fd(), &mut buffer) {
            Ok(read) if read > 0 => lines.push(&buffer[..read], &mut line),
            Ok(_) | Err(_) => break,
        }
    }
    lines.flush(&mut line);
    Ok(End::Exited { status, lacked_memory })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_build_goes_on_without_end() {
        let longest = Duration::from_secs(SECONDS_MAX);
        assert_eq!([None, Some(1), Some(5000)].map(allowed).map(|time| time.as_secs()), [3600, 1, 5000]);
        assert_eq!([Some(0), Some(-1), Some(i64::MIN), Some(i64::MAX)].map(allowed), [longest; 4]);
    }
}
