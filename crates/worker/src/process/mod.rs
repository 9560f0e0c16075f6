//! Workers as processes of this machine.
//!
//! [`ProcessDriver`] launches. A launch takes a fresh process (a spare interpreter or a cold start), and from then on three
//! parties share a [`link::Link`]: the [`worker::ProcessWorker`] that the engine calls, the [`attendant::Attendant`], one
//! task a worker, which reads all that the process sends and reaps it, and the [`memory::Watch`], one thread for all.
//!
//! What ends a worker is written down first (the *verdict*) and carried out by killing its process group; the attendant sees
//! the process go, hands every open call its end, and only then lets others see that it is over. So each call ends exactly
//! once, whatever happens at the same time.
//!
//! Limits: memory is watched from outside and backed by `RLIMIT_DATA`; a cpu limit is not enforced by this driver. A
//! descendant that leaves the worker's session outlives it: only a sandbox can hold such a process.

mod attendant;
mod descriptors;
mod driver;
mod environment;
mod exit;
mod fresh;
mod link;
mod logs;
mod memory;
mod open_call;
mod runtimes;
mod spare;
mod spawn;
mod usage;
mod worker;

pub(crate) use driver::{DRIVER, Parts, refused};
pub use driver::{DriverConfig, ProcessDriver};
pub(crate) use environment::function_environment;
pub(crate) use exit::how_it_ended;
pub(crate) use logs::{LineSplitter, LogBuffer, cut_text, now};
pub(crate) use memory::{memory_reason, resident_bytes, set_backstop};
pub(crate) use spawn::{Output, Process, Program, Stdin};
pub(crate) use usage::cpu_ns;
pub(crate) use worker::human_duration;

#[cfg(test)]
mod tests;
