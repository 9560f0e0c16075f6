//! A launcher that is started once and copied for each program.
//!
//! Starting the server's program anew costs what its size costs: the system's linker touches some megabytes of it, which takes
//! longer than all of the sandbox. A copy of a process that has done so already shares them.
//!
//! The template is a process of one thread that waits at a socket. A request is one byte with the descriptors that the copy is to
//! have: standard input, output and error, those of the program, the launcher's end of the control socket. The answer is the id
//! of the copy, or the system's error with a minus sign. A copy is a child of this process and not of the template, so
//! it is waited for and owned as if it had been started from here.
//!
//! The template ends when its socket is closed: with its owner, or with this process. One that has ended is replaced at the next
//! request.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::{Child, Command, Stdio},
};

use rustix::{
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv, recvmsg, send, sendmsg, socketpair,
        sockopt::{Timeout, set_socket_timeout},
    },
    process::Pid,
};

use crate::launch::{Launcher, PATIENCE};

/// The most descriptors of a copy: the standard ones, four of the program, the control socket.
const DESCRIPTORS_MAX: usize = 8;
const SPACE_BYTES: usize = rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX));
/// What a request says beside its descriptors.
const REQUEST: [u8; 1] = [1];

/// See the module. Copies die with the thread that asked for the first of them, so one that lives as long as they may has to ask
/// for all.
#[derive(Debug)]
pub struct Template {
    launcher: Launcher,
    running: Option<Process>,
}

#[derive(Debug)]
struct Process {
    socket: OwnedFd,
    child: Child,
}

impl Template {
    /// Of `launcher`. It is started when it is needed, or by [`Template::start`].
    pub fn new(launcher: Launcher) -> Template {
        Template { launcher, running: None }
    }

    /// Starts it, if it does not run.
    pub fn start(&mut self) -> io::Result<()> {
        if self.running.is_none() {
            self.running = Some(Process::start(&self.launcher)?);
        }
        Ok(())
    }

    /// Its process, if it was started.
    pub fn process(&self) -> Option<Pid> {
        let id = self.running.as_ref()?.child.id();
        i32::try_from(id).ok().and_then(Pid::from_raw)
    }

    /// Makes a copy with `descriptors` from 0 on, the last of which is its end of the control socket. It leads a session of its own;
    /// whoever asked has to wait for it. Blocks for about a millisecond.
    pub fn copy(&mut self, descriptors: &[BorrowedFd<'_>]) -> io::Result<Pid> {
        if let Some(Ok(copy)) = self.running.as_ref().map(|running| running.copy(descriptors)) {
            return Ok(copy);
        }
        // Somebody may have ended it.
        self.running = None;
        self.running.insert(Process::start(&self.launcher)?).copy(descriptors)
    }
}

impl Process {
    fn start(launcher: &Launcher) -> io::Result<Process> {
        let (socket, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        set_socket_timeout(&socket, Timeout::Send, Some(PATIENCE))?;
        let mut command = Command::new(launcher.program());
        command.args(Launcher::arguments_of_template()).env_clear().current_dir("/");
        let child = command.stdin(theirs).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Process { socket, child })
    }

    fn copy(&self, descriptors: &[BorrowedFd<'_>]) -> io::Result<Pid> {
        let mut space = [MaybeUninit::uninit(); SPACE_BYTES];
        let mut further = SendAncillaryBuffer::new(&mut space);
        if !further.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::Error::other(format!("a launcher is given at most {DESCRIPTORS_MAX} descriptors")));
        }
        sendmsg(&self.socket, &[IoSlice::new(&REQUEST)], &mut further, SendFlags::NOSIGNAL)?;
        let mut answer = [0u8; 4];
        let (_, size) = recv(&self.socket, &mut answer[..], RecvFlags::empty())?;
        if size < answer.len() {
            return Err(io::Error::other("the template of launchers has ended"));
        }
        let answer = i32::from_ne_bytes(answer);
        Pid::from_raw(answer).filter(|_| answer > 0).ok_or_else(|| io::Error::from_raw_os_error(-answer))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The template's side: waits for a request, and gives the descriptors of the copy. `None` when there will be no more.
pub(crate) fn next(socket: impl AsFd) -> io::Result<Option<Vec<OwnedFd>>> {
    let mut space = [MaybeUninit::uninit(); SPACE_BYTES];
    let mut further = RecvAncillaryBuffer::new(&mut space);
    let mut request = [0u8; 1];
    let received = loop {
        match recvmsg(&socket, &mut [IoSliceMut::new(&mut request)], &mut further, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut files = Vec::new();
    for message in further.drain() {
        if let RecvAncillaryMessage::ScmRights(given) = message {
            files.extend(given);
        }
    }
    if received.flags.contains(ReturnFlags::CTRUNC) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Some(files))
}

/// The template's side: says which process the copy is.
pub(crate) fn answer(socket: impl AsFd, copy: &io::Result<Pid>) -> io::Result<()> {
    let number = match copy {
        Ok(copy) => copy.as_raw_nonzero().get(),
        Err(error) => -error.raw_os_error().unwrap_or(libc::EIO),
    };
    send(socket, &number.to_ne_bytes(), SendFlags::NOSIGNAL)?;
    Ok(())
}
