//! The commands, one file each.

mod alias;
mod completion;
mod config;
mod deploy;
mod function;
mod grant;
mod invocation;
mod invoke;
mod logs;
mod nonce;
mod queue;
mod schedule;
mod secret;
mod server;
mod state;
mod status;
mod token;
mod topic;
mod up;
mod version;
#[cfg(feature = "wasm")]
mod wit;

use std::future::Future;

use clap::Subcommand;

use crate::{config::Flags, context::Context, failure::Failure};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Up(up::Up),
    Server(server::Server),
    Deploy(deploy::Deploy),
    Invoke(invoke::Invoke),
    Logs(logs::Logs),
    #[command(subcommand)]
    Function(function::Function),
    #[command(subcommand)]
    Invocation(invocation::Invocation),
    #[command(subcommand)]
    Queue(queue::Queue),
    #[command(subcommand)]
    Topic(topic::Topic),
    #[command(subcommand)]
    Schedule(schedule::Schedule),
    #[command(subcommand)]
    State(state::State),
    #[command(subcommand)]
    Alias(alias::Alias),
    #[command(subcommand)]
    Grant(grant::Grant),
    #[command(subcommand)]
    Nonce(nonce::Nonce),
    #[command(subcommand)]
    Secret(secret::Secret),
    #[command(subcommand)]
    Token(token::Token),
    Status(status::Status),
    #[command(subcommand)]
    Config(config::Config),
    #[cfg(feature = "wasm")]
    Wit(wit::Wit),
    Completion(completion::Completion),
    Version(version::Version),
}

impl Command {
    /// The settings that its flags give.
    pub fn settings(&self) -> Flags {
        match self {
            Command::Up(up) => up.flags.settings(),
            Command::Server(server) => server.flags.settings(),
            Command::Config(config) => config.settings(),
            _ => Flags::new(),
        }
    }

    /// Does it.
    pub fn run(self, context: Context) -> Result<(), Failure> {
        match self {
            Command::Up(up) => serving(up.run(context)),
            Command::Server(server) => serving(server.run(context)),
            Command::Deploy(deploy) => asking(deploy.run(context)),
            Command::Invoke(invoke) => asking(invoke.run(context)),
            Command::Logs(logs) => asking(logs.run(context)),
            Command::Function(function) => asking(function.run(context)),
            Command::Invocation(invocation) => asking(invocation.run(context)),
            Command::Queue(queue) => asking(queue.run(context)),
            Command::Topic(topic) => asking(topic.run(context)),
            Command::Schedule(schedule) => asking(schedule.run(context)),
            Command::State(state) => asking(state.run(context)),
            Command::Alias(alias) => asking(alias.run(context)),
            Command::Grant(grant) => asking(grant.run(context)),
            Command::Nonce(nonce) => asking(nonce.run(context)),
            Command::Secret(secret) => asking(secret.run(context)),
            Command::Token(token) => token.run(&context),
            Command::Status(status) => asking(status.run(context)),
            Command::Config(config) => config.run(&context),
            #[cfg(feature = "wasm")]
            Command::Wit(wit) => wit.run(),
            Command::Completion(completion) => completion.run(),
            Command::Version(version) => version.run(&context),
        }
    }
}

/// Threads that read and write files. Each keeps some memory for itself, and a disk is not faster for more of them.
const BLOCKING_THREADS_MAX: usize = 16;

/// Runs a node on as many threads as there are cores.
fn serving(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    start(tokio::runtime::Builder::new_multi_thread(), command)
}

/// Runs a conversation with a server on this thread.
fn asking(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    start(tokio::runtime::Builder::new_current_thread(), command)
}

fn start(
    mut builder: tokio::runtime::Builder,
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let runtime = builder.enable_all().max_blocking_threads(BLOCKING_THREADS_MAX).build();
    let runtime = runtime.map_err(|error| Failure::broken(format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(command);
    // Threads that still read a terminal or a file must not hold up the end.
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod reference;
