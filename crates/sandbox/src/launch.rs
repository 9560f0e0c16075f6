//! The server's side of a start.
//!
//! ```text
//! let (opening, end) = Opening::new(plan)?;
//! // The caller has a `Template` copied with the descriptors that the program is to have and `end` behind them, …
//! let inside = opening.finish(pid, &users, group)?;        // … and this waits until the program runs.
//! inside.show(&[package])?;                                // Any time, also for a program that waits to be told what it is.
//! ```
//!
//! A program that gets none but the standard ones may also have a launcher that is started for it, see [`crate::start`].
//!
//! The launcher is the caller's child either way: it waits for it, and sees it end as the program ended.

use std::{
    ffi::OsString,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use rustix::process::Pid;

use crate::{
    cgroup::Group,
    control::{Control, Failure, Notice, Order, Origin, Step as _},
    ids::{self, Ids},
    plan::Plan,
    warden,
};

/// The first argument of a launcher. No command has this name.
const HIDDEN: &str = "__sandbox";
/// The second argument of a launcher that is no copy.
const ALONE: &str = "alone";
/// The second argument of a template of launchers.
const TEMPLATE: &str = "template";
/// How long a launcher may take to answer. It takes some milliseconds on a machine that is not overloaded.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the launcher, if that is what this process was started as. To be asked first of all in `main`, before there are
/// threads; the answer is what to end with.
pub fn run_if_launcher() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != HIDDEN {
        return None;
    }
    match arguments.next()?.to_str()? {
        ALONE => Some(warden::run()),
        TEMPLATE => Some(warden::run_template()),
        _ => None,
    }
}

/// The program that is a launcher when started with the right arguments: one that calls [`run_if_launcher`].
#[derive(Clone, Debug)]
pub struct Launcher {
    program: PathBuf,
}

impl Launcher {
    /// The program that runs now, even if its file has been replaced since.
    pub fn this() -> Launcher {
        Launcher { program: "/proc/self/exe".into() }
    }

    /// The program in the file `program`.
    pub fn at(program: impl Into<PathBuf>) -> Launcher {
        Launcher { program: program.into() }
    }

    /// Its file.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// What it is started with when its end of the control socket is its standard input; its program then has nothing to read.
    pub(crate) fn arguments_on_stdin() -> [OsString; 2] {
        [HIDDEN.into(), ALONE.into()]
    }

    /// What a template of launchers is started with.
    pub(crate) fn arguments_of_template() -> [OsString; 2] {
        [HIDDEN.into(), TEMPLATE.into()]
    }
}

/// A start that has not taken place yet.
#[derive(Debug)]
pub struct Opening {
    plan: Plan,
    control: Control,
}

/// A program that runs in its sandbox. Dropping it kills the program.
#[derive(Debug)]
pub struct Inside {
    control: Control,
    program: Pid,
}

impl Opening {
    /// What is to be started, and the end of the control socket for the launcher.
    pub fn new(plan: Plan) -> io::Result<(Opening, OwnedFd)> {
        let (control, end) = Control::pair()?;
        control.set_patience(PATIENCE)?;
        Ok((Opening { plan, control }, end))
    }

    /// Talks with the launcher, the process `launcher`, until its program runs, as the user `ids` of this machine and within
    /// `group`. Blocks for some milliseconds. The launcher ends when this fails.
    pub fn finish(self, launcher: Pid, ids: Ids, group: Option<&Group>) -> Result<Inside, Failure> {
        let Opening { plan, control } = self;
        let has_users = plan.parts.users;
        let owner = match ids {
            Ids::Other(id) if has_users => Some(id),
            Ids::Other(_) | Ids::Own => None,
        };
        let groups = group.map_or_else(Vec::new, Group::doors);
        tell(&control, &Order::Start { plan: Box::new(plan), owner, groups })?;
        if let Some(group) = group {
            // The kernel may let this wait for some milliseconds, in which the launcher makes its namespaces.
            group.take_in(launcher).step("enter the control group")?;
        }
        let Notice::Separated = hear(&control)? else { return Err(confused()) };
        let ids = if has_users {
            ids::map(launcher, ids).step("map the user of the inside")?;
            Some((warden::INSIDE_ID, warden::INSIDE_ID))
        } else if let Ids::Other(id) = ids {
            Some((id, id))
        } else {
            None
        };
        tell(&control, &Order::Proceed { ids })?;
        let Notice::Running { program } = hear(&control)? else { return Err(confused()) };
        let program = Pid::from_raw(program).ok_or_else(confused)?;
        Ok(Inside { control, program })
    }
}

impl Inside {
    /// Has the launcher kill all that runs inside and end then, also where only it knows which processes those are. Does not
    /// wait for it.
    pub fn end(&self) {
        // Refused when the launcher has ended already.
        let _ = self.control.shut();
    }

    /// The program's process id out here. It may be used only as long as the launcher has not been waited for, and even then
    /// the program may have ended already.
    pub fn program(&self) -> Pid {
        self.program
    }

    /// Shows `folders` to the program, each at its own place, not to be written. Blocks for about a millisecond.
    pub fn show(&self, folders: Vec<PathBuf>) -> Result<(), Failure> {
        tell(&self.control, &Order::Mount(folders))?;
        match hear(&self.control)? {
            Notice::Mounted => Ok(()),
            _ => Err(confused()),
        }
    }
}

fn tell(control: &Control, order: &Order) -> Result<(), Failure> {
    match control.send(order) {
        // One that has ended may have said why.
        Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
            hear(control).and_then(|_| Err(confused()))
        }
        told => told.step("talk to the launcher"),
    }
}

fn hear(control: &Control) -> Result<Notice, Failure> {
    let heard = control.receive().step("hear the launcher")?;
    match heard {
        Some(Notice::Failed(failure)) => Err(failure),
        Some(notice) => Ok(notice),
        None => {
            let silence = Failure::new("hear the launcher", &io::Error::other("it ended"));
            Err(Failure { origin: Origin::Launcher, ..silence })
        }
    }
}

fn confused() -> Failure {
    Failure::new("hear the launcher", &io::ErrorKind::InvalidData.into())
}
