//! The program under test as a process: started, killed, stopped, and never left behind.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
};

use crate::{http::Client, until::until};

/// What the first line of its output begins with.
const GREETING: &str = "Tidemill is listening on ";
/// How long a start may take on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(90);
/// How long workers may outlive their server.
const ORPHANS: Duration = Duration::from_secs(20);
/// How long a drain may take.
const DRAIN: Duration = Duration::from_secs(60);

/// A server on one data directory, through all its lives.
pub struct Server {
    program: PathBuf,
    directory: PathBuf,
    data: PathBuf,
    variables: Vec<(String, String)>,
    child: Option<Child>,
    address: watch::Sender<Option<String>>,
    client: Client,
}

impl Server {
    /// A server that has not been started. Its log and its configuration lie in `directory`, its data in `data`.
    pub fn new(program: PathBuf, directory: &Path, data: &Path) -> Server {
        Server {
            program,
            directory: directory.to_owned(),
            data: data.to_owned(),
            variables: Vec::new(),
            child: None,
            address: watch::Sender::new(None),
            client: Client::new(),
        }
    }

    /// Gives its next lives a variable of the environment.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Where it listens, while it does.
    pub fn address(&self) -> watch::Receiver<Option<String>> {
        self.address.subscribe()
    }

    /// Where it listens now.
    pub fn url(&self) -> anyhow::Result<String> {
        self.address.borrow().clone().context("the server is not running")
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let stdout = self.spawn()?;
        let mut lines = BufReader::new(stdout).lines();
        let greeting = tokio::time::timeout(START, lines.next_line())
            .await
            .with_context(|| format!("the server said nothing within {START:?}"))??
            .with_context(|| format!("the server ended at its start: {}", self.log_tail()))?;
        let url = greeting
            .strip_prefix(GREETING)
            .with_context(|| format!("its first line is {greeting:?}, not {GREETING}…"))?
            .trim()
            .to_owned();
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        until("the server becomes ready", START, || async {
            let response = self.client.get(&format!("{url}/readyz")).await?;
            ensure!(response.status.is_success(), "{} {}", response.status, response.text());
            Ok(())
        })
        .await
        .with_context(|| self.log_tail())?;
        self.address.send_replace(Some(url));
        Ok(())
    }

    /// Starts it and kills it `after` this time, ready or not.
    pub async fn start_and_kill(&mut self, after: Duration) -> anyhow::Result<()> {
        let _stdout = self.spawn()?;
        tokio::time::sleep(after).await;
        self.kill().await
    }

    /// Ends it with `SIGKILL`, and sees that its workers go with it.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let workers = self.processes()?;
        self.signal(Signal::KILL)?;
        self.reap().await?;
        until("the workers of a killed server die", ORPHANS, || async {
            let left: Vec<_> = workers.iter().filter(|pid| is_alive(**pid)).collect();
            ensure!(left.is_empty(), "{left:?} live on");
            Ok(())
        })
        .await
    }

    /// Asks it to drain and end, and waits until it has.
    pub async fn end(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        tokio::time::timeout(DRAIN, self.reap()).await.with_context(|| format!("no end within {DRAIN:?}"))?
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill_process(self.pid()?, signal).context("cannot signal the server")
    }

    /// Its process id.
    pub fn pid(&self) -> anyhow::Result<Pid> {
        let id = self.child.as_ref().and_then(Child::id).context("the server is not running")?;
        Pid::from_raw(i32::try_from(id)?).context("a process id is not 0")
    }

    /// All that it started: workers and spare interpreters, and what keeps each of them in its sandbox.
    pub fn processes(&self) -> anyhow::Result<Vec<Pid>> {
        Ok(descendants(self.pid()?)?.into_iter().map(|(pid, _)| pid).collect())
    }

    /// Those of them that have no children: the workers and spare interpreters themselves.
    pub fn workers(&self) -> anyhow::Result<Vec<Pid>> {
        let all = descendants(self.pid()?)?;
        let is_parent = |pid: Pid| all.iter().any(|(_, parent)| *parent == pid);
        Ok(all.iter().map(|(pid, _)| *pid).filter(|pid| !is_parent(*pid)).collect())
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    fn log_path(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    fn spawn(&mut self) -> anyhow::Result<tokio::process::ChildStdout> {
        ensure!(self.child.is_none(), "the server is running");
        let log: File = OpenOptions::new().create(true).append(true).open(self.log_path())?;
        let mut command = Command::new(&self.program);
        // What configures this test, or the developer's own server, is not for the server under test.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"TIDEMILL_")) {
            command.env_remove(name);
        }
        let mut child = command
            .args(["up", "--listen", "127.0.0.1:0", "--data"])
            .arg(&self.data)
            .env("XDG_CONFIG_HOME", self.directory.join("config"))
            .env("RUST_BACKTRACE", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let stdout = child.stdout.take().context("its output is piped")?;
        self.child = Some(child);
        Ok(stdout)
    }

    /// Waits until it has ended.
    async fn reap(&mut self) -> anyhow::Result<()> {
        self.address.send_replace(None);
        let Some(mut child) = self.child.take() else { bail!("the server is not running") };
        child.wait().await?;
        Ok(())
    }
}

/// The descendants of a process, each with its parent.
fn descendants(ancestor: Pid) -> anyhow::Result<Vec<(Pid, Pid)>> {
    let mut living = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let Some(pid) = Pid::from_raw(id) else { continue };
        let parent = stat(pid).filter(|(state, _)| !matches!(state, 'Z' | 'X')).and_then(|(_, it)| Pid::from_raw(it));
        living.extend(parent.map(|parent| (pid, parent)));
    }
    let mut found: Vec<(Pid, Pid)> = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        let children = living.iter().filter(|(_, its_parent)| *its_parent == parent);
        parents.extend(children.clone().map(|(pid, _)| *pid));
        found.extend(children);
    }
    Ok(found)
}

/// Whether a process exists and is more than a zombie.
fn is_alive(pid: Pid) -> bool {
    stat(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// State and parent of a process; `None` when there is none.
fn stat(pid: Pid) -> Option<(char, i32)> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name, in parentheses, may hold anything.
    let mut fields = text.get(text.rfind(')')? + 1..)?.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
