//! Running an install or build command, with its lines shown as they come.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io,
    os::fd::AsFd,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    pipe::{PipeFlags, pipe_with},
    process::{Pid, Signal, kill_process_group},
};
use tidemill_core::ports::{BuildError, Progress};
use tokio::{net::unix::pipe, process::Child, time::sleep_until};

use crate::{
    logs::{LineSplitter, cut_text},
    process::how_it_ended,
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

/// When a build must be over; `None` is never.
pub(crate) fn deadline(build_timeout_seconds: Option<i64>) -> Option<Instant> {
    const DEFAULT_SECONDS: i64 = 3600;
    let seconds =
        u64::try_from(build_timeout_seconds.unwrap_or(DEFAULT_SECONDS)).ok().filter(|seconds| *seconds > 0)?;
    Instant::now().checked_add(Duration::from_secs(seconds))
}

/// Kills what a command started when nobody waits for it any more.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Step {
    /// Runs it to its end. An exit code other than 0 is an error.
    pub async fn run(self, deadline: Option<Instant>, progress: &dyn Progress) -> Result<(), BuildError> {
        let name = self.name.clone();
        let failed = |reason: String, output: VecDeque<String>| BuildError::Command {
            step: name.clone(),
            reason,
            output: Vec::from(output).join("\n"),
        };
        let cannot = |error: io::Error| BuildError::Io { what: format!("{name} could not be run"), source: error };
        let (output, output_end) = pipe_with(PipeFlags::CLOEXEC).map_err(|error| cannot(error.into()))?;
        let second_end = output_end.try_clone().map_err(cannot)?;
        let child = {
            let mut command = tokio::process::Command::new(&self.program);
            command.args(&self.arguments).current_dir(&self.directory).env_clear().envs(self.environment);
            command.stdin(Stdio::null()).stdout(Stdio::from(output_end)).stderr(Stdio::from(second_end));
            command.process_group(0).kill_on_drop(true);
            command.spawn().map_err(cannot)?
        };
        let group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
        let output = pipe::Receiver::from_owned_fd(output).map_err(cannot)?;
        let mut shown = VecDeque::new();
        let ended = follow(child, group, &output, deadline, |line| {
            progress.line(line);
            if shown.len() == SHOWN_LINES_MAX {
                shown.pop_front();
            }
            shown.push_back(cut_text(line, SHOWN_LINE_BYTES_MAX));
        });
        match ended.await.map_err(cannot)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(failed(format!("it {}", how_it_ended(status)), shown)),
            None => Err(failed("it took longer than the build timeout".to_owned(), shown)),
        }
    }
}

/// Waits for the end of `child`; `None` when the deadline came first.
async fn follow(
    mut child: Child,
    mut group: Group,
    output: &pipe::Receiver,
    deadline: Option<Instant>,
    mut line: impl FnMut(&str),
) -> io::Result<Option<ExitStatus>> {
    let mut lines = LineSplitter::default();
    let mut is_open = true;
    let mut buffer = vec![0u8; 16 * 1024];
    let status = loop {
        let until = deadline.unwrap_or_else(Instant::now);
        tokio::select! {
            _ = output.readable(), if is_open => match output.try_read(&mut buffer) {
                Ok(0) => is_open = false,
                Ok(read) => lines.push(&buffer[..read], &mut line),
                Err(error) => is_open = error.kind() == io::ErrorKind::WouldBlock,
            },
            status = child.wait() => break status?,
            () = sleep_until(until.into()), if deadline.is_some() => {
                drop(group);
                child.wait().await?;
                return Ok(None);
            }
        }
    };
    // Its number may be somebody else's from now on.
    group.0 = None;
    // At most what a pipe holds: something it left behind may go on writing.
    for _ in 0..8 {
        match rustix::io::read(output.as_fd(), &mut buffer) {
            Ok(read) if read > 0 => lines.push(&buffer[..read], &mut line),
            Ok(_) | Err(_) => break,
        }
    }
    lines.flush(&mut line);
    Ok(Some(status))
}
