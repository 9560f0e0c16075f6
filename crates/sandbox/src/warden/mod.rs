//! The launcher: a process of one thread between the server and one program.
//!
//! It is this same program, started anew with a hidden argument, because namespaces and `fork` go ill with the threads of a
//! server; or a copy of one that was started so and waits ([`crate::template`]). It goes through these steps, and its two processes stay as long as the program runs:
//!
//! ```text
//! warden     new namespaces ─ waits for its ids ─ name, loopback ─ a second mount namespace ─ fork
//!   │                                                                                          │
//!   │ goes back to the first mount namespace,                                  init, process 1 of the inside:
//!   │ where it still sees the machine's files                     opens what is to be shown ─ becomes the unprivileged user
//!   │                                                             builds the root, enters it, lets go of the old one
//!   │ serves `Mount`: opens a folder out here,                    limits ─ capabilities ─ no new privileges ─ Landlock
//!   │ puts it up in there                                         ─ seccomp ─ starts the program ─ reaps until it ends
//!   └─ when init has ended: copies the exchange out, ends as the program did
//! ```
//!
//! **Why the warden stays.** A spare interpreter is started before anybody knows the package it will run. The warden keeps
//! both worlds: a mount namespace in which the machine's files are, and rights over the inside. It is no process of the
//! inside, so nothing in there can see, signal or trace it, and it does what the server says and nothing else.
//!
//! **Who may do what.** Of a server that runs as root the warden keeps the user id, but no right outside of its own user
//! namespace; it may open what root owns, which is how packages in closed folders are shown. Init and the program are an
//! unprivileged user without any name outside.
//!
//! **Ends.** The program's end is init's end, and with init the kernel ends every process of the inside. When the warden dies,
//! init is killed. When the server closes its end of the control socket, or dies, the warden kills init.

mod attend;
mod exchange;
mod init;
mod landlock;
mod late;
mod loopback;
mod orphans;
mod privileges;
mod root;
mod seccomp;
mod separate;
mod template;

use std::process::ExitCode;

pub(crate) use landlock::level as landlock_level;

/// The user and the group that the program is inside.
pub(crate) const INSIDE_ID: u32 = 1000;

/// What a warden ends with when it could not start its program.
const FAILED: u8 = 125;

/// Runs the launcher with its control socket as standard input.
pub(crate) fn run() -> ExitCode {
    code(attend::attend_started())
}

/// Runs the template of launchers, with its socket as standard input.
pub(crate) fn run_template() -> ExitCode {
    code(template::serve())
}

fn code(ended: std::io::Result<ExitCode>) -> ExitCode {
    // Whoever started it has the cause, or is gone.
    ended.unwrap_or_else(|_| ExitCode::from(FAILED))
}
