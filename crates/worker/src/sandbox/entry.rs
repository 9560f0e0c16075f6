//! How a program gets into the sandbox.

use std::{ffi::OsString, io, os::fd::OwnedFd, path::PathBuf};

use tidemill_sandbox::{Amounts, Failure, Group, Limits, Opening, Origin, Plan, Program, View};

use super::Sandbox;
use crate::process::{Owned, how_it_ended};

/// A program, and what it is to find inside.
pub(crate) struct Command {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// The whole environment.
    pub environment: Vec<(OsString, OsString)>,
    pub directory: PathBuf,
    pub view: View,
    /// The limits of each of its processes.
    pub limits: Limits,
    /// The machine's network.
    pub network: bool,
    /// The limits of all of them together.
    pub amounts: Amounts,
}

/// What the launcher of a program needs.
pub(crate) struct Entry {
    /// The talk with it that is to take place.
    pub opening: Opening,
    /// Its end of the control socket.
    pub end: OwnedFd,
    /// The group that it is to be put into.
    pub group: Group,
}

impl Sandbox {
    /// Makes what the launcher of `command` needs.
    pub(crate) fn enter(&self, command: Command) -> io::Result<Entry> {
        let environment = command.environment.into_iter().map(|(name, value)| Ok((text(name)?, text(value)?)));
        let plan = Plan {
            program: Program {
                path: command.program,
                arguments: command.arguments.into_iter().map(text).collect::<io::Result<_>>()?,
                environment: environment.collect::<io::Result<_>>()?,
                directory: command.directory,
            },
            view: command.view,
            limits: command.limits,
            network: command.network,
            parts: self.parts(),
        };
        let group = self.group(&command.amounts)?;
        let (opening, end) = Opening::new(plan)?;
        Ok(Entry { opening, end, group })
    }
}

/// The plan of a sandbox is text.
fn text(word: OsString) -> io::Result<String> {
    word.into_string().map_err(|word| io::Error::other(format!("{} is not UTF-8", word.display())))
}

/// Makes the failure of a start the program's own, when it is, and says how the launcher `owned` ended that did not say more itself.
pub(crate) fn explain(failure: Failure, mut owned: Owned) -> io::Error {
    match (failure.origin, failure.errno) {
        (Origin::Program, Some(errno)) => io::Error::from_raw_os_error(errno),
        (Origin::Launcher, _) => match owned.reap() {
            Ok(status) => io::Error::other(format!("{failure}: it {}", how_it_ended(status))),
            Err(_) => failure.into(),
        },
        (Origin::Program, None) | (Origin::Sandbox, _) => failure.into(),
    }
}
