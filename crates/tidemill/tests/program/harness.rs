//! Runs the real program: single commands, and servers on free ports with data folders of their own.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// Nothing here takes nearly so long; it is the point at which a test gives up.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A home folder of its own.
pub fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The program, or the one that `TIDEMILL_BIN` names.
fn program() -> OsString {
    std::env::var_os("TIDEMILL_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_tidemill").into())
}

/// The program with nothing of this process's configuration.
pub fn tidemill(home: &Path) -> Command {
    started_by(home, Command::new(program()))
}

fn started_by(home: &Path, mut command: Command) -> Command {
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap()).current_dir(home);
    command
}

/// What a command did.
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Done {
        Done {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a command to its end.
pub fn run(home: &Path, arguments: &[&str]) -> Done {
    tidemill(home).args(arguments).stdin(Stdio::null()).output().unwrap().into()
}

/// A server that ends with the test.
pub struct Server {
    child: Child,
    pub url: String,
    home: PathBuf,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Server {
    /// Starts `tidemill up` with `arguments` on a free port.
    pub fn up(home: &Path, arguments: &[&str]) -> Server {
        Server::up_with(home, arguments, &[])
    }

    /// The same with these variables in its environment.
    pub fn up_with(home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Server {
        Server::start(home, tidemill(home), arguments, variables)
    }

    /// The same from a shell that has run `script` before.
    pub fn up_after(home: &Path, script: &str, arguments: &[&str]) -> Server {
        let mut shell = started_by(home, Command::new("sh"));
        shell.args(["-c", &format!("{script}; exec \"$0\" \"$@\"")]).arg(program());
        Server::start(home, shell, arguments, &[])
    }

    fn start(home: &Path, mut command: Command, arguments: &[&str], variables: &[(&str, &str)]) -> Server {
        let mut child = command
            .envs(variables.iter().copied())
            .args(["up", "--listen", "127.0.0.1:0", "--data", "data", "--log-level", "warn"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let readers: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for reader in readers {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(reader).lines().map_while(Result::ok) {
                    // The test may have ended and gone.
                    let _ = sender.send(line);
                }
            });
        }
        let mut server = Server { child, url: String::new(), home: home.to_owned(), lines, seen: Vec::new() };
        let line = server.wait_for("Tidemill is listening on ");
        server.url = line.split(" on ").nth(1).unwrap().to_owned();
        server
    }

    /// Waits for a line of output that contains `text`, among those not waited for before.
    pub fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no line with {text:?}; there were:\n{}", self.seen.join("\n"));
                }
            }
        }
    }

    /// Runs a command against this server.
    pub fn run(&self, arguments: &[&str]) -> Done {
        tidemill(&self.home)
            .env("TIDEMILL_URL", &self.url)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
            .into()
    }

    /// Runs a command against this server with a token.
    pub fn run_as(&self, token: &str, arguments: &[&str]) -> Done {
        let mut command = tidemill(&self.home);
        command.env("TIDEMILL_URL", &self.url).env("TIDEMILL_TOKEN", token);
        command.args(arguments).stdin(Stdio::null()).output().unwrap().into()
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert_eq!(done.code, 0, "{arguments:?}: {}{}", done.stdout, done.stderr);
        done.stdout
    }

    /// Runs a command that prints JSON.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.ok(&[arguments, &["-o", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Runs a command until its output satisfies `is_done`.
    pub fn until(&self, arguments: &[&str], is_done: impl Fn(&Done) -> bool) -> Done {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let done = self.run(arguments);
            if is_done(&done) {
                return done;
            }
            assert!(Instant::now() < deadline, "{arguments:?} never did: {}{}", done.stdout, done.stderr);
        }
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends ctrl-C.
    pub fn interrupt(&self) {
        self.signal("-INT");
    }

    /// Sends a signal, as in `-TERM`.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Starts a command against this server that goes on by itself, with its output piped.
    pub fn begin(&self, arguments: &[&str]) -> Child {
        let mut command = tidemill(&self.home);
        command.env("TIDEMILL_URL", &self.url).args(arguments).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Waits for its end and returns the exit code.
    pub fn end(&mut self) -> i32 {
        let deadline = Instant::now() + DEADLINE;
        loop {
            // Reading its output is what keeps it from blocking on a full pipe.
            if let Ok(line) = self.lines.recv_timeout(Duration::from_millis(20)) {
                self.seen.push(line);
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "the server did not end:\n{}", self.seen.join("\n"));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a file of a test.
pub fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}
