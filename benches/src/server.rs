//! The programs that are measured, as processes.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::{cgroup::Cgroup, http::Client, until::until};

/// A program that listens; it is killed when this is dropped.
pub struct Server {
    child: Child,
    /// Where it listens, as in `http://127.0.0.1:7070`.
    pub url: String,
    /// Its data directory, removed when this is dropped.
    directory: Option<TempDir>,
}

/// The release directory that this program lies in, where the others lie too.
fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.is_file(), "{} is not there: start this with benches/run", path.display());
    Ok(path)
}

impl Server {
    /// The bare echo.
    pub fn echo() -> anyhow::Result<Server> {
        Server::spawn(Command::new(beside("tidemill-echo")?), None, "")
    }

    /// Tidemill on an empty data directory on the disk that the build directory is on (`/tmp` may be memory).
    pub async fn tidemill(client: &Client) -> anyhow::Result<Server> {
        Server::tidemill_in(client, None, &[]).await
    }

    /// The same within a group of limited memory, and with these variables.
    pub async fn tidemill_in(
        client: &Client,
        cgroup: Option<&Cgroup>,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Server> {
        let program = beside("tidemill")?;
        let directory = data_directory(program.parent().context("a program lies in a directory")?)?;
        let mut command = match cgroup {
            None => Command::new(&program),
            Some(cgroup) => cgroup.command(&program),
        };
        command.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(directory.path().join("data"));
        command.envs(variables.iter().copied()).env("XDG_CONFIG_HOME", directory.path()).current_dir(directory.path());
        let server = Server::spawn(command, Some(directory), "Tidemill is listening on ")?;
        until("Tidemill becomes ready", || async { client.get(&format!("{}/readyz", server.url)).await?.expect(200) })
            .await?;
        Ok(server)
    }

    fn spawn(mut command: Command, directory: Option<TempDir>, greeting: &str) -> anyhow::Result<Server> {
        let errors = match &directory {
            Some(directory) => Stdio::from(std::fs::File::create(directory.path().join("server.log"))?),
            None => Stdio::inherit(),
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let mut lines = BufReader::new(child.stdout.take().context("its output is piped")?);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let url = line.trim().strip_prefix(greeting).with_context(|| format!("the first line is {line:?}"))?.to_owned();
        Ok(Server { child, url, directory })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.url.trim_start_matches("http://").parse()?)
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// The directory that holds its data and its log.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_ref().map(TempDir::path)
    }
}

/// An empty directory on the disk that holds `near`.
pub fn data_directory(near: &Path) -> anyhow::Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(near)?)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
