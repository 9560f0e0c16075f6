//! A started process that has not been told yet what to run.

use std::{ffi::OsString, io, path::PathBuf};

use rustix::{
    event::PollFlags,
    net::{AddressFamily, SocketFlags, SocketType, socketpair},
};
use tidemill_core::spec::Resources;
use tokio::net::UnixStream;

use super::{
    sandbox::Wants,
    spawn::{Process, Program, Spawner, Stdin, is_now},
};
use crate::{
    linked::Connection,
    protocol::{VERSION, arena::memory_file},
};

/// How to start a process that speaks the worker protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Recipe {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub directory: PathBuf,
    /// Files and folders that it sees, of those that not all do.
    pub shown: Vec<PathBuf>,
    /// Whether it shares the machine's network.
    pub network: bool,
    /// Memory that it may use until it is told what it runs, in bytes.
    pub memory_bytes: Option<u64>,
}

/// A process with its channel.
pub(crate) struct Fresh {
    pub process: Process,
    pub connection: Connection,
}

impl Fresh {
    /// Starts one.
    pub async fn start(spawner: &Spawner, recipe: &Recipe) -> io::Result<Fresh> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        let to_worker = memory_file("tidemill-to-worker")?;
        let from_worker = memory_file("tidemill-from-worker")?;
        let handed = vec![theirs, to_worker.try_clone()?, from_worker.try_clone()?];
        let text = |(name, value): &(String, String)| (OsString::from(name), OsString::from(value));
        let mut environment: Vec<_> = recipe.environment.iter().map(text).collect();
        environment.push(("TIDEMILL_WORKER_PROTOCOL".into(), VERSION.to_string().into()));
        let program = Program {
            program: recipe.program.clone(),
            arguments: recipe.arguments.iter().map(OsString::from).collect(),
            environment,
            directory: recipe.directory.clone(),
            stdin: Stdin::Null,
            handed,
            wants: Wants {
                shown: recipe.shown.clone(),
                network: recipe.network,
                resources: Resources { memory_bytes: recipe.memory_bytes, cpu_millis: None },
                exchange: None,
            },
        };
        let process = spawner.spawn(program).await?;
        let ours = std::os::unix::net::UnixStream::from(ours);
        ours.set_nonblocking(true)?;
        let connection = Connection { stream: UnixStream::from_std(ours)?, to_worker, from_worker };
        Ok(Fresh { process, connection })
    }

    /// Whether it lives. In a sandbox the launcher ends somewhat later than the program, whose channel is closed by then.
    pub fn is_alive(&self) -> bool {
        let is_closed = is_now(&self.connection.stream, PollFlags::empty());
        !is_closed && !self.process.has_exited()
    }
}
