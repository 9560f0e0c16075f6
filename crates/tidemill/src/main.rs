//! The tidemill program: the composition root and the command line.
//!
//! Only this crate reads flags, environment variables and configuration files, and only it ends the process. A command
//! is a file in `commands`; those that start a node (`up`, `server`) put store, workers, engine and HTTP server together
//! in `node`, all others speak to a running server through the client. Data goes to standard output, everything else
//! to standard error.

mod body;
mod cli;
mod commands;
mod config;
mod context;
mod failure;
mod logging;
mod memory;
mod moment;
mod node;
mod output;
mod package;
mod system;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a launcher has one thread and nothing of a server.
    if let Some(code) = tidemill_sandbox::run_if_launcher() {
        return code;
    }
    // Only an installed one before this could stand in the way, and there is none.
    let _ = rustls::crypto::ring::default_provider().install_default();
    memory::give_back_at_once();
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::message(&failure);
            failure.exit.into()
        }
    }
}
