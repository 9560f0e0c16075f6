//! The sandbox of this machine, as workers and builds share it: its settings, what the machine gives of it, and how a program gets into it.
//!
//! What is to be seen and used within is for those to say who start programs: [`crate::process`] for workers, the site of a build for its commands.
//! Namespaces, filters and groups are made by `tidemill_sandbox`.

mod config;
mod entry;
mod launchers;
mod machine;

pub use config::{SandboxConfig, SandboxMode};
pub(crate) use entry::{Command, Entry, explain};
pub(crate) use launchers::Launchers;
pub use machine::Sandbox;
