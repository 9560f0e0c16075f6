//! Process 1 of the inside: builds the view, drops every right, starts the program and reaps until it ends.
//!
//! It is the same user as the program and under the same rules, so a program that took it over would have won nothing; it
//! cannot be traced all the same, holds no descriptor of the program's or the server's, and no signal from inside reaches it.

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child, Command},
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Pid, Signal, WaitOptions, kill_process_group, set_child_subreaper, setsid, wait},
};

use super::{
    attend::{End, Report, silence},
    exchange, landlock, privileges,
    root::{Root, Sources},
    seccomp,
};
use crate::{
    control::{Control, Failure, Step as _},
    plan::Plan,
    sys::{die_with_parent, put_nothing_at},
};

/// What init has from the warden.
pub(super) struct Given {
    /// The program's descriptors.
    pub handed: Vec<OwnedFd>,
    /// Whether the session is the warden's own, and has no terminal.
    pub has_own_session: bool,
}

/// Never comes back. `control` is the warden's, and of no use here.
pub(super) fn run(plan: &Plan, ids: Option<(u32, u32)>, given: Given, control: impl AsFd, status: &Control) -> ! {
    let started = put_nothing_at(control).step("let go of the control socket");
    let code = match started.and_then(|()| start(plan, ids, given, status)) {
        Ok(program) => attend(plan, &program, status),
        Err(failure) => {
            // The warden sees it end in any case.
            let _ = status.send(&Report::Failed(failure));
            i32::from(super::FAILED)
        }
    };
    std::process::exit(code)
}

fn start(plan: &Plan, ids: Option<(u32, u32)>, given: Given, status: &Control) -> Result<Child, Failure> {
    if !given.has_own_session {
        setsid().step("leave the terminal")?;
    }
    if !plan.parts.processes {
        set_child_subreaper(Some(rustix::process::getpid())).step("become the one who reaps")?;
    }
    let sources = if plan.parts.mounts { Some(Sources::open(&plan.view)?) } else { None };
    let brought = plan.view.exchange.as_ref().map(|it| exchange::read(it).step("read the exchange")).transpose()?;
    if let Some((user, group)) = ids {
        privileges::become_user(user, group)?;
    }
    if let Some(sources) = sources {
        let root = Root::build(&plan.view, sources)?;
        if let (Some(exchange), Some(brought)) = (&plan.view.exchange, &brought) {
            root.place(exchange, brought).step("bring the exchange in")?;
        }
        root.enter(plan.parts.processes)?;
    }
    privileges::limit(&plan.limits, ids.is_none())?;
    privileges::drop_all()?;
    if status.is_hung_up().step("look for the warden")? {
        // It died before this process was tied to it.
        return Err(impossible("start the program", "the warden is gone"));
    }
    if plan.parts.landlock {
        landlock::restrict(&plan.view, plan.parts.mounts)?;
    }
    if plan.parts.seccomp {
        seccomp::restrict()?;
    }
    let program = &plan.program;
    for file in &given.handed {
        fcntl_setfd(file, FdFlags::empty()).step("hand the descriptors on")?;
    }
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).env_clear().current_dir(&program.directory).process_group(0);
    command.envs(program.environment.iter().map(|(name, value)| (name, value)));
    if !plan.parts.processes {
        // Then init's end does not take it along.
        die_with_parent(&mut command);
    }
    let child = command.spawn().map_err(|error| {
        if is_there(plan) {
            Failure::of_program(format!("start {}", program.path.display()), &error)
        } else {
            Failure::new("enter the program's folder", &error)
        }
    })?;
    silence().step("let go of the standard descriptors")?;
    Ok(child)
}

/// The system gives one answer for a folder and for a program that is missing.
fn is_there(plan: &Plan) -> bool {
    plan.program.directory.is_dir()
}

/// Reaps whatever ends, until the program has.
fn attend(plan: &Plan, program: &Child, status: &Control) -> i32 {
    if status.send(&Report::Running).is_err() {
        // The warden is gone: so is the reason to go on.
        return i32::from(super::FAILED);
    }
    let program = i32::try_from(program.id()).ok().and_then(Pid::from_raw);
    let end = loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if Some(ended) == program => break end_of(status),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => break End::Exited(i32::from(super::FAILED)),
        }
    };
    if let (false, Some(program)) = (plan.parts.processes, program) {
        // Without processes of its own this reaches those that stayed in the program's group only.
        let _ = kill_process_group(program, Signal::KILL);
    }
    // The warden takes an end without a report for one by force.
    let _ = status.send(&Report::Ended(end));
    0
}

fn end_of(status: rustix::process::WaitStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Exited(code),
        (None, Some(signal)) => End::Killed(signal),
        (None, None) => End::Exited(i32::from(super::FAILED)),
    }
}

/// How a start fails that does so for reasons of its own.
pub(super) fn impossible(step: &str, why: &str) -> Failure {
    Failure::new(step, &io::Error::other(why))
}
