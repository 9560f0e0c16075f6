//! The warden's own life: from its first message to the program's end.

use std::{
    fs, io,
    os::fd::{AsFd, OwnedFd, RawFd},
    process::ExitCode,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::fcntl_dupfd_cloexec,
    process::{Pid, PidfdFlags, Signal, WaitOptions, getpid, getsid, kill_process, pidfd_open, setsid, waitpid},
};
use serde::{Deserialize, Serialize};

use super::{exchange, init, late, orphans, separate};
use crate::{
    cgroup::enter,
    control::{Control, Failure, Notice, Order, Step as _},
    plan::Plan,
    sys::{Forked, fork, keep_ends_of_children, keep_from_programs},
};

/// From init to the warden.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum End {
    /// With a code.
    Exited(i32),
    /// By a signal.
    Killed(i32),
}

/// From init to the warden.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// The program runs.
    Running,
    /// It could not be started.
    Failed(Failure),
    /// It ended, and whatever else runs inside ends now.
    Ended(End),
}

/// The first descriptor that is handed through.
pub(super) const HANDED_FIRST: RawFd = 3;

/// Attends as a process that was started as a launcher, with its control socket as standard input; its program gets no further descriptors.
pub(super) fn attend_started() -> io::Result<ExitCode> {
    keep_ends_of_children()?;
    keep_from_programs(HANDED_FIRST)?;
    // One that was made the first of its group cannot.
    let _ = setsid();
    attend(&Control::new(standard_input()?), Vec::new())
}

/// See the module. `handed` are the further descriptors of the program, from 3 on. The error has been told to the server, if it could be.
pub(super) fn attend(control: &Control, handed: Vec<OwnedFd>) -> io::Result<ExitCode> {
    let Some(Order::Start { plan, owner, groups }) = control.receive()? else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let entered = groups.iter().try_for_each(|door| enter(door)).step("enter the control group");
    let started = entered.and_then(|()| start(control, *plan, owner, handed));
    match started {
        Ok(warden) => warden.keep(control),
        Err(failure) => {
            // A server that is gone needs no answer.
            let _ = control.send(&Notice::Failed(failure.clone()));
            Err(failure.into())
        }
    }
}

/// Standard input, which is replaced by nothing.
pub(super) fn standard_input() -> io::Result<OwnedFd> {
    let input = fcntl_dupfd_cloexec(rustix::stdio::stdin(), HANDED_FIRST)?;
    rustix::stdio::dup2_stdin(fs::File::open("/dev/null")?)?;
    Ok(input)
}

fn start(control: &Control, plan: Plan, owner: Option<u32>, handed: Vec<OwnedFd>) -> Result<Warden, Failure> {
    separate::leave(&plan, owner)?;
    control.send(&Notice::Separated).step("talk to the server")?;
    let order = control.receive().step("talk to the server")?;
    let Some(Order::Proceed { ids }) = order else {
        return Err(Failure::new("talk to the server", &io::ErrorKind::InvalidData.into()));
    };
    separate::furnish(&plan)?;
    let worlds = separate::part(&plan)?;
    let (status, inits) = Control::pair().step("make a socket")?;
    if !plan.parts.processes {
        orphans::adopt().step("become the one who reaps")?;
    }
    let has_own_session = getsid(None).is_ok_and(|session| session == getpid());
    let init = match fork().step("fork")? {
        Forked::Child => {
            drop((worlds, status));
            init::run(&plan, ids, init::Given { handed, has_own_session }, control, &Control::new(inits))
        }
        Forked::Parent(init) => init,
    };
    drop((handed, inits));
    let warden = Warden { worlds, ids, plan, init, status };
    if let Some(worlds) = &warden.worlds {
        worlds.enter_outer().step("go back to the first mount namespace")?;
    }
    silence().step("let go of the standard descriptors")?;
    match warden.status.receive().step("hear of the program")? {
        Some(Report::Running) => Ok(warden),
        Some(Report::Failed(failure)) => Err(failure),
        Some(Report::Ended(_)) | None => {
            Err(Failure::new("start the program", &io::Error::other("the first process inside ended before it ran")))
        }
    }
}

struct Warden {
    plan: Plan,
    ids: Option<(u32, u32)>,
    worlds: Option<separate::Worlds>,
    init: Pid,
    status: Control,
}

impl Warden {
    fn keep(self, control: &Control) -> io::Result<ExitCode> {
        let init = pidfd_open(self.init, PidfdFlags::empty())?;
        let program = self.program().unwrap_or(self.init).as_raw_nonzero().get();
        control.send(&Notice::Running { program })?;
        loop {
            let mut asked =
                [PollFd::new(&init, PollFlags::IN), PollFd::from_borrowed_fd(control.as_fd(), PollFlags::IN)];
            match poll(&mut asked, None) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            if !asked[0].revents().is_empty() {
                break;
            }
            match control.receive()? {
                Some(Order::Mount(folders)) => {
                    let notice = match late::show(&folders, self.worlds.as_ref(), self.ids) {
                        Ok(()) => Notice::Mounted,
                        Err(failure) => Notice::Failed(failure),
                    };
                    control.send(&notice)?;
                }
                Some(Order::Start { .. } | Order::Proceed { .. }) => return Err(io::ErrorKind::InvalidData.into()),
                None => {
                    kill_process(self.init, Signal::KILL)?;
                    waitpid(Some(self.init), WaitOptions::empty())?;
                    self.clear();
                    return Ok(ExitCode::from(super::FAILED));
                }
            }
        }
        self.conclude()
    }

    /// The program's id out here. The program is the one child of init, which has told of it and reaped nothing yet.
    fn program(&self) -> Option<Pid> {
        let init = self.init.as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{init}/task/{init}/children")).ok()?;
        Pid::from_raw(children.split_ascii_whitespace().next()?.parse().ok()?)
    }

    /// Ends what init has left.
    fn clear(&self) {
        if !self.plan.parts.processes {
            orphans::end_all();
        }
    }

    fn conclude(self) -> io::Result<ExitCode> {
        let (_, status) = waitpid(Some(self.init), WaitOptions::empty())?.ok_or(io::ErrorKind::NotFound)?;
        self.clear();
        let end = match (self.status.receive()?, status.terminating_signal()) {
            (Some(Report::Ended(end)), _) => end,
            // Somebody outside killed init, or the kernel did for want of memory.
            (_, Some(signal)) => End::Killed(signal),
            _ => End::Exited(i32::from(super::FAILED)),
        };
        if let (Some(exchange), Some(worlds)) = (&self.plan.view.exchange, &self.worlds) {
            // What cannot be copied is missed by whoever reads it.
            let _ = exchange::bring_back(exchange, worlds);
        }
        match end {
            End::Exited(code) => Ok(ExitCode::from(u8::try_from(code & 0xff).unwrap_or(super::FAILED))),
            End::Killed(signal) => Ok(die_by(signal)),
        }
    }
}

/// Ends this process by `signal`, as the program ended. What it is told comes back where that cannot be.
fn die_by(signal: i32) -> ExitCode {
    if let Some(named) = Signal::from_named_raw(signal) {
        // The first of some signals only takes away the handler that the standard library has put up for them.
        for _ in 0..2 {
            let _ = kill_process(getpid(), named);
        }
    }
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(super::FAILED))
}

/// Puts nothing in the place of standard input, output and error, which are the program's.
pub(super) fn silence() -> io::Result<()> {
    let nothing = fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok(())
}
