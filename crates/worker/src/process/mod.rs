//! Workers as processes of this machine.
//!
//! [`ProcessDriver`] launches. A launch takes a fresh process (a spare interpreter or a cold start), whose pipes and process
//! group are the vessel and the leash of a worker of [`crate::linked`]; the [`memory::Watch`], one thread for all, looks at
//! the memory of those that have a limit.
//!
//! Each process is in a [`sandbox`] of its own, unless that is switched off.
//!
//! Limits: memory is watched from outside and backed by `RLIMIT_DATA`, and by a control group where the sandbox has one, which also
//! holds cpu time and the number of processes. Without a sandbox a cpu limit is not enforced, and a descendant that leaves the
//! worker's session outlives it.

mod descriptors;
mod driver;
mod environment;
mod exit;
mod fresh;
mod leftovers;
mod memory;
mod runtimes;
mod sandbox;
mod spare;
mod spawn;
mod usage;
mod vessel;

pub(crate) use driver::{DRIVER, Parts};
pub use driver::{DriverConfig, ProcessDriver};
pub(crate) use environment::function_environment;
pub(crate) use exit::how_it_ended;
pub(crate) use memory::set_backstop;
#[cfg(feature = "docker")]
pub(crate) use runtimes::{command_line as wrapper_command, install as install_wrappers};
pub(crate) use sandbox::{Wants, folders};
pub(crate) use spawn::{ENDING_MAX, Owned, Process, Program, Stdin};
pub(crate) use usage::cpu_ns;

#[cfg(test)]
mod tests;
