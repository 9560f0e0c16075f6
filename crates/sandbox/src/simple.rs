//! Starting a program from here, for whoever hands it no descriptors but the standard ones.

use std::{
    fs::File,
    io::{self, Read as _},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::ExitStatusExt as _,
    },
    process::{Command, ExitStatus, Stdio},
};

use rustix::{
    pipe::{PipeFlags, pipe_with},
    process::{Pid, Signal, WaitOptions, kill_process, waitpid},
};

use crate::{
    cgroup::Group,
    control::{Failure, Step as _},
    ids::Ids,
    launch::{Inside, Launcher, Opening},
    plan::Plan,
    template::Template,
};

/// A program that runs in its sandbox, with nothing to read. Dropping it kills the program.
#[derive(Debug)]
pub struct Running {
    launcher: Started,
    inside: Inside,
    outputs: [File; 2],
}

/// Starts `plan`, whose program gets no further descriptors, and waits until it runs. Its output goes to pipes.
pub fn start(launcher: &Launcher, plan: Plan, ids: Ids, group: Option<&Group>) -> Result<Running, Failure> {
    let mut command = Command::new(launcher.program());
    command.args(Launcher::arguments_on_stdin()).env_clear();
    begin(plan, ids, group, |end, [output, errors]| {
        let child = command.stdin(end).stdout(output).stderr(errors).spawn()?;
        // The command keeps what it was given.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a started process has an id"))
    })
}

/// The same by a copy of `template`.
pub fn start_copy(template: &mut Template, plan: Plan, ids: Ids, group: Option<&Group>) -> Result<Running, Failure> {
    begin(plan, ids, group, |end, [output, errors]| {
        let nothing = File::open("/dev/null")?;
        template.copy(&[nothing.as_fd(), output.as_fd(), errors.as_fd(), end.as_fd()])
    })
}

fn begin(
    plan: Plan,
    ids: Ids,
    group: Option<&Group>,
    launch: impl FnOnce(OwnedFd, [OwnedFd; 2]) -> io::Result<Pid>,
) -> Result<Running, Failure> {
    let (opening, end) = Opening::new(plan).step("make a socket")?;
    let pipe = || pipe_with(PipeFlags::CLOEXEC).step("make a pipe");
    let ((output, output_end), (errors, errors_end)) = (pipe()?, pipe()?);
    let launcher = Started { pid: launch(end, [output_end, errors_end]).step("start the launcher")?, is_reaped: false };
    // If this fails it has ended, or does so now that nobody listens.
    let inside = opening.finish(launcher.pid, ids, group)?;
    Ok(Running { launcher, inside, outputs: [output.into(), errors.into()] })
}

impl Running {
    /// The running program.
    pub fn inside(&self) -> &Inside {
        &self.inside
    }

    /// Waits for its end, and gives what it wrote: output, then errors. For outputs that fit into a pipe.
    pub fn wait(mut self) -> io::Result<(ExitStatus, String, String)> {
        let mut texts = [Vec::new(), Vec::new()];
        for (pipe, text) in self.outputs.iter_mut().zip(&mut texts) {
            pipe.read_to_end(text)?;
        }
        let status = self.launcher.wait()?;
        let [out, errors] = texts.map(|text| String::from_utf8_lossy(&text).into_owned());
        Ok((status, out, errors))
    }
}

/// A launcher until it is waited for. Dropping it kills it, and the program with it.
#[derive(Debug)]
struct Started {
    pid: Pid,
    is_reaped: bool,
}

impl Started {
    fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            match waitpid(Some(self.pid), WaitOptions::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                other => {
                    self.is_reaped = true;
                    let (_, status) = other?.ok_or(io::ErrorKind::NotFound)?;
                    return Ok(ExitStatus::from_raw(status.as_raw()));
                }
            }
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if !self.is_reaped {
            let _ = kill_process(self.pid, Signal::KILL);
            let _ = self.wait();
        }
    }
}
