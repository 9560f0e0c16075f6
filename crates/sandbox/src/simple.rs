//! Starting a program from here, for whoever hands it no descriptors but the standard ones.

use std::{
    io::{self, Read as _},
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::Pid;

use crate::{
    cgroup::Group,
    control::{Failure, Step as _},
    ids::Ids,
    launch::{Inside, Launcher, Opening},
    plan::Plan,
};

/// A program that runs in its sandbox, with nothing to read. Dropping it kills the program.
#[derive(Debug)]
pub struct Running {
    child: Child,
    inside: Inside,
}

/// Starts `plan`, whose program gets no further descriptors, and waits until it runs. Its output goes to pipes.
pub fn start(launcher: &Launcher, plan: Plan, ids: Ids, group: Option<&Group>) -> Result<Running, Failure> {
    let (opening, end) = Opening::new(plan).step("make a socket")?;
    let mut command = Command::new(launcher.program());
    command.args(Launcher::arguments_on_stdin()).env_clear().stdin(Stdio::from(end));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().step("start the launcher")?;
    drop(command);
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a started process has an id");
    match opening.finish(pid, ids, group) {
        Ok(inside) => Ok(Running { child, inside }),
        Err(failure) => {
            // It has ended, or does so now that nobody listens.
            let _ = child.wait();
            Err(failure)
        }
    }
}

impl Running {
    /// The running program.
    pub fn inside(&self) -> &Inside {
        &self.inside
    }

    /// Waits for its end, and gives what it wrote: output, then errors. For outputs that fit into a pipe.
    pub fn wait(mut self) -> io::Result<(ExitStatus, String, String)> {
        let mut texts = [Vec::new(), Vec::new()];
        if let Some(pipe) = &mut self.child.stdout {
            pipe.read_to_end(&mut texts[0])?;
        }
        if let Some(pipe) = &mut self.child.stderr {
            pipe.read_to_end(&mut texts[1])?;
        }
        let status = self.child.wait()?;
        let [out, errors] = texts.map(|text| String::from_utf8_lossy(&text).into_owned());
        Ok((status, out, errors))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The warden kills what is inside when it loses this end; killing the warden does so, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
