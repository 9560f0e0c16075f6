//! The talk between a server and the launcher of one program: messages in JSON over a socket, each after its length.
//!
//! ```text
//! server                         launcher
//!   Start{plan, …}       ──►
//!                        ◄──     Separated          it has its namespaces: ids and limits can be set from outside
//!   Proceed              ──►
//!                        ◄──     Running            the program runs
//!   Mount(folders)       ──►
//!                        ◄──     Mounted
//! ```
//!
//! Instead of any answer comes `Failed`, and the launcher ends. When the server closes its end, the program is killed.

use std::{
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::plan::Plan;

/// From the server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// What to start.
    Start {
        /// The program, and what it is to be in.
        plan: Box<Plan>,
        /// To whom out there its user namespace is to belong when not to the launcher's user.
        owner: Option<u32>,
        /// The control groups that the launcher enters by itself: files to write to.
        groups: Vec<PathBuf>,
    },
    /// Ids are mapped and the control groups entered. Go on as this user and group, when there are some to become.
    Proceed { ids: Option<(u32, u32)> },
    /// Show these folders too.
    Mount(Vec<PathBuf>),
}

/// From the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Notice {
    /// It is in its namespaces and waits.
    Separated,
    /// The program runs, under this id as the server sees it.
    Running {
        /// The id, for who looks at its memory and time.
        program: i32,
    },
    /// The folders are shown.
    Mounted,
    /// It could not be done.
    Failed(Failure),
}

/// What could not be done, and what the system said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{step}: {reason}")]
pub struct Failure {
    /// What was tried.
    pub step: String,
    /// The words of the system.
    pub reason: String,
    /// Its number, when it has one.
    pub errno: Option<i32>,
    /// Whose failure it is.
    pub origin: Origin,
}

/// Whose failure a [`Failure`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The sandbox's, or the machine's that it is made on.
    Sandbox,
    /// The program's: the system says of it what it would say without a sandbox.
    Program,
    /// The launcher's, which ended without a word. How it ended is known to whoever started it.
    Launcher,
}

impl Failure {
    /// `step` failed by `error`, which is the sandbox's.
    pub fn new(step: impl Into<String>, error: &io::Error) -> Failure {
        let origin = Origin::Sandbox;
        Failure { step: step.into(), reason: error.to_string(), errno: error.raw_os_error(), origin }
    }

    /// The program could not be started: `step` failed by `error`.
    pub(crate) fn of_program(step: impl Into<String>, error: &io::Error) -> Failure {
        Failure { origin: Origin::Program, ..Failure::new(step, error) }
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> io::Error {
        match failure.errno.map(io::Error::from_raw_os_error) {
            Some(error) => io::Error::new(error.kind(), failure),
            None => io::Error::other(failure),
        }
    }
}

/// Names the step that failed.
pub(crate) trait Step<T> {
    /// Makes the error a [`Failure`] of the step `name`.
    fn step(self, name: &str) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, name: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(name, &error.into()))
    }
}

/// The longest message. A plan names some dozens of paths and an environment, and the system takes none over about 2 MiB.
const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// One end.
#[derive(Debug)]
pub(crate) struct Control(UnixStream);

impl Control {
    /// Both ends.
    pub fn pair() -> io::Result<(Control, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair()?;
        Ok((Control(ours), theirs.into()))
    }

    /// The end that the launcher was started with.
    pub fn new(end: OwnedFd) -> Control {
        Control(end.into())
    }

    /// Sends a message. Waits until the other end has taken it, or nearly.
    pub fn send(&self, message: &impl Serialize) -> io::Result<()> {
        let mut text = vec![0u8; 4];
        serde_json::to_writer(&mut text, message)?;
        let size = text.len() - 4;
        if size > MESSAGE_BYTES_MAX {
            return Err(io::Error::other(format!("a message has {size} bytes, more than {MESSAGE_BYTES_MAX}")));
        }
        text[..4].copy_from_slice(&u32::try_from(size).expect("it was just compared").to_le_bytes());
        (&self.0).write_all(&text)
    }

    /// Waits for a message. `None` when the other end is closed.
    pub fn receive<T: DeserializeOwned>(&self) -> io::Result<Option<T>> {
        let mut size = [0u8; 4];
        match (&self.0).read_exact(&mut size) {
            Ok(()) => {}
            // The latter is an end that was closed with messages unread.
            Err(error) if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let size = u32::from_le_bytes(size) as usize;
        if size > MESSAGE_BYTES_MAX {
            return Err(io::Error::other("a message is too long"));
        }
        let mut text = vec![0u8; size];
        (&self.0).read_exact(&mut text)?;
        Ok(Some(serde_json::from_slice(&text)?))
    }

    /// Whether the other end is closed.
    pub fn is_hung_up(&self) -> io::Result<bool> {
        let mut asked = [PollFd::new(&self.0, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        Ok(poll(&mut asked, Some(&now))? > 0 && asked[0].revents().contains(PollFlags::HUP))
    }

    /// Closes it for both ends, whoever else holds this one.
    pub fn shut(&self) -> io::Result<()> {
        self.0.shutdown(std::net::Shutdown::Both)
    }

    /// Gives up waiting for a message after `limit`.
    pub fn set_patience(&self, limit: Duration) -> io::Result<()> {
        self.0.set_read_timeout(Some(limit))?;
        self.0.set_write_timeout(Some(limit))
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
