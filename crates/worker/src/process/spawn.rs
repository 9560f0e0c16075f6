//! Starting processes, and owning them until they are reaped.
//!
//! Workers ask the kernel to be killed when their parent dies, and to the kernel the parent is the *thread* that forked. So
//! one thread starts them all; it lives until the last [`Spawner`] is gone. Those in a sandbox are started by its launchers.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::ExitStatusExt as _,
    },
    path::PathBuf,
    process::{Command, ExitStatus},
    sync::{Arc, OnceLock, mpsc},
    time::Instant,
};

use parking_lot::Mutex;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    pipe::{PipeFlags, pipe_with},
    process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, kill_process_group, pidfd_open,
        waitid, waitpid,
    },
};
use tokio::{io::unix::AsyncFd, net::unix::pipe, sync::oneshot};

use super::{
    descriptors,
    leftovers::has_leftovers,
    memory::{resident_bytes, resident_bytes_inside},
    sandbox::{Confined, Wants},
};
use crate::{
    linked::{self, Leash as _, Output},
    sandbox::Sandbox,
};

/// What to start.
pub(crate) struct Program {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// The whole environment.
    pub environment: Vec<(OsString, OsString)>,
    pub directory: PathBuf,
    pub stdin: Stdin,
    /// Become the descriptors from 3 on.
    pub handed: Vec<OwnedFd>,
    /// What it asks of its sandbox, where there is one.
    pub wants: Wants,
}

/// What the program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stdin {
    Null,
    Pipe,
}

/// A program to start without a sandbox.
struct Request {
    program: Program,
    standard: [OwnedFd; 3],
    answer: oneshot::Sender<io::Result<Owned>>,
}

/// Starts processes.
#[derive(Clone)]
pub(crate) struct Spawner {
    requests: mpsc::Sender<Request>,
    sandbox: Option<Arc<Sandbox>>,
}

impl Spawner {
    /// Starts the thread. What it starts is put into `sandbox`.
    pub fn new(sandbox: Option<Arc<Sandbox>>) -> io::Result<Spawner> {
        descriptors::reserve()?;
        let (requests, waiting) = mpsc::channel::<Request>();
        std::thread::Builder::new().name("worker-spawner".to_owned()).spawn(move || {
            for Request { program, standard, answer } in waiting {
                // Whoever asked may have left; the process then ends by its owner's drop.
                drop(answer.send(start(program, standard)));
            }
        })?;
        Ok(Spawner { requests, sandbox })
    }

    /// Starts `program` and waits until it runs, or could not be run.
    pub async fn spawn(&self, program: Program) -> io::Result<Process> {
        let (ours, standard) = Pipes::new(program.stdin)?;
        let Some(sandbox) = &self.sandbox else {
            let lost = || io::Error::other("the thread that starts processes is gone");
            let (answer, started) = oneshot::channel();
            self.requests.send(Request { program, standard, answer }).map_err(|_| lost())?;
            return Process::new(started.await.map_err(|_| lost())??, ours);
        };
        let (descriptors, wrapped) = sandbox.wrap(program)?;
        let descriptors = standard.into_iter().chain(descriptors).collect();
        let launcher = sandbox.launchers().start(descriptors, Owned::new).await?;
        let confining = tokio::task::spawn_blocking(move || wrapped.finish(launcher));
        Process::new(confining.await.unwrap_or_else(|error| Err(io::Error::other(error)))?, ours)
    }

    /// Whether programs get copies of the folders that they exchange, see [`Wants::exchange`].
    pub fn shows_copies(&self) -> bool {
        self.sandbox().is_some_and(Sandbox::shows_later)
    }

    /// The sandbox that processes are put into.
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.sandbox.as_deref()
    }
}

/// Our ends of a process's pipes.
struct Pipes {
    stdin: Option<OwnedFd>,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

impl Pipes {
    /// New ones, and the process's ends of them.
    fn new(wanted: Stdin) -> io::Result<(Pipes, [OwnedFd; 3])> {
        let pipe = || pipe_with(PipeFlags::CLOEXEC);
        let (stdout, stdout_end) = pipe()?;
        let (stderr, stderr_end) = pipe()?;
        let (stdin_end, stdin) = match wanted {
            Stdin::Null => (File::open("/dev/null")?.into(), None),
            Stdin::Pipe => pipe().map(|(end, stdin)| (end, Some(stdin)))?,
        };
        Ok((Pipes { stdin, stdout, stderr }, [stdin_end, stdout_end, stderr_end]))
    }
}

fn start(program: Program, standard: [OwnedFd; 3]) -> io::Result<Owned> {
    let mut command = Command::new(&program.program);
    command.args(&program.arguments).env_clear().envs(program.environment).current_dir(&program.directory);
    let [stdin, stdout, stderr] = standard;
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    descriptors::prepare(&mut command, &program.handed)?;
    Ok(Owned::new(Pid::from_child(&command.spawn()?)))
}

/// Sends signals to a process group as long as it is certain whose it is.
#[derive(Debug)]
pub(crate) struct Leash {
    /// The leader: what this process started.
    pid: Pid,
    is_reaped: Mutex<bool>,
    /// The program in its sandbox, of which the leader is only the launcher.
    confined: OnceLock<Arc<Confined>>,
}

impl Leash {
    /// The process id of what was started: of the program, or of its launcher. It has the time that all of them used.
    pub fn leader(&self) -> Pid {
        self.pid
    }

    /// The process id of the program.
    pub fn pid(&self) -> Pid {
        self.confined().map_or(self.pid, |confined| confined.program())
    }

    /// The program's sandbox, if it is in one.
    pub fn confined(&self) -> Option<&Arc<Confined>> {
        self.confined.get()
    }

    pub fn confine(&self, confined: Arc<Confined>) {
        assert!(self.confined.set(confined).is_ok(), "a process is put into a sandbox once, when it starts");
    }

    /// Waits for the end of the leader, so long at most. Whether it has ended. Blocks.
    pub fn ends_within(&self, limit: Timespec) -> bool {
        let Ok(pidfd) = pidfd_open(self.pid, PidfdFlags::empty()) else { return false };
        poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&limit)).is_ok_and(|ready| ready > 0)
    }

    /// Signals every process of the group.
    fn signal(&self, signal: Signal) {
        let is_reaped = self.is_reaped.lock();
        if !*is_reaped && kill_process_group(self.pid, signal).is_err() {
            // The group exists from the start; this is for a leader that has moved to another one.
            let _ = kill_process(self.pid, signal);
        }
    }
}

/// How long a launcher may take to end what it alone knows.
pub(crate) const ENDING_MAX: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

impl linked::Leash for Leash {
    fn kill(&self) {
        match self.confined() {
            // Only the launcher knows what has left the program's group. It ends when it has ended all of that.
            Some(confined) if !confined.is_ended_by_kernel() => confined.end(),
            _ => self.signal(Signal::KILL),
        }
    }

    fn terminate(&self) {
        let Some(confined) = self.confined() else { return self.signal(Signal::TERM) };
        let is_reaped = self.is_reaped.lock();
        if !*is_reaped {
            // The launcher's group would die of it; the program leads one of its own.
            let _ = kill_process_group(confined.program(), Signal::TERM);
        }
    }

    fn broken_memory_limit(&self) -> Option<u64> {
        self.confined()?.broken_memory_limit()
    }

    fn has_leftovers(&self, since: Option<Instant>) -> bool {
        has_leftovers(self.pid, since, self.confined().map(|confined| confined.processes_max()))
    }

    fn resident_bytes(&self) -> Option<u64> {
        Some(match self.confined() {
            Some(_) => resident_bytes_inside(self.pid),
            None => resident_bytes(self.pid),
        })
    }
}

/// A child of this process that leads a group. Dropping it kills the group and reaps it.
pub(crate) struct Owned {
    leash: Arc<Leash>,
}

impl Owned {
    /// Owns the process `pid`, which nobody else waits for.
    pub fn new(pid: Pid) -> Owned {
        Owned { leash: Arc::new(Leash { pid, is_reaped: Mutex::new(false), confined: OnceLock::new() }) }
    }

    /// To signal it with, from anywhere.
    pub fn leash(&self) -> &Arc<Leash> {
        &self.leash
    }

    /// Makes it possible to wait until it has ended.
    pub fn watch(&self) -> io::Result<AsyncFd<OwnedFd>> {
        descriptors::watch(pidfd_open(self.leash.pid, PidfdFlags::empty())?)
    }

    /// Kills what is left of the group and reaps the leader. Waits for it.
    pub fn reap(&mut self) -> io::Result<ExitStatus> {
        self.leash.kill();
        if !self.leash.ends_within(ENDING_MAX) {
            self.leash.signal(Signal::KILL);
        }
        let ended = loop {
            match waitid(WaitId::Pid(self.leash.pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other,
            }
        };
        // Until it is reaped its number is its own, and nobody signals it from then on.
        let mut is_reaped = self.leash.is_reaped.lock();
        let status = ended.map_err(io::Error::from).and_then(|_| wait_for(self.leash.pid));
        *is_reaped = true;
        status
    }
}

fn wait_for(pid: Pid) -> io::Result<ExitStatus> {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            other => {
                let (_, status) = other?.ok_or(io::ErrorKind::NotFound)?;
                return Ok(ExitStatus::from_raw(status.as_raw()));
            }
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if !*self.leash.is_reaped.lock() {
            let _ = self.reap();
        }
    }
}

/// A running process with its pipes. Dropping it kills its group and reaps it.
pub(crate) struct Process {
    owned: Owned,
    exit: AsyncFd<OwnedFd>,
    pub stdin: Option<pipe::Sender>,
    pub stdout: pipe::Receiver,
    pub stderr: pipe::Receiver,
}

impl Process {
    fn new(owned: Owned, pipes: Pipes) -> io::Result<Process> {
        Ok(Process {
            exit: owned.watch()?,
            stdin: pipes.stdin.map(pipe::Sender::from_owned_fd).transpose()?,
            stdout: pipe::Receiver::from_owned_fd(pipes.stdout)?,
            stderr: pipe::Receiver::from_owned_fd(pipes.stderr)?,
            owned,
        })
    }

    /// To signal it with, from anywhere.
    pub fn leash(&self) -> Arc<Leash> {
        self.owned.leash.clone()
    }

    /// Comes back when it has ended. Cancel-safe.
    pub async fn exited(&self) {
        // The readiness is left set: an ended process stays so.
        let _ = self.exit.readable().await;
    }

    /// Whether it has ended.
    pub fn has_exited(&self) -> bool {
        is_now(&self.exit, PollFlags::IN)
    }

    /// Ends what is left of its group and collects how it ended.
    pub fn reap(mut self) -> io::Result<ExitStatus> {
        self.owned.reap()
    }

    /// Reads what lies in the pipes by now, at most about one pipe's capacity of each.
    pub fn drain(&self, mut take: impl FnMut(Output, &[u8])) {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut asked = [PollFd::new(&self.stdout, PollFlags::IN), PollFd::new(&self.stderr, PollFlags::IN)];
        if !poll(&mut asked, Some(&now)).is_ok_and(|ready| ready > 0) {
            return;
        }
        let ready = asked.map(|file| file.revents().contains(PollFlags::IN));
        let pipes = [(Output::Out, self.stdout.as_fd()), (Output::Err, self.stderr.as_fd())];
        for ((output, pipe), _) in pipes.into_iter().zip(ready).filter(|(_, ready)| *ready) {
            let mut buffer = [0u8; 16 * 1024];
            for _ in 0..PIPE_READS_MAX {
                match rustix::io::read(pipe, &mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(read) => take(output, &buffer[..read]),
                }
            }
        }
    }
}

/// Whether one of `events` is there now at `file`, or its other end is closed.
pub(crate) fn is_now(file: impl AsFd, events: PollFlags) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(&file, events)], Some(&now)).is_ok_and(|ready| ready > 0)
}

/// Reads that empty a pipe of the kernel's default capacity, and a little more.
const PIPE_READS_MAX: usize = 6;
