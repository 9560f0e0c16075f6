//! The thread that starts launchers, for workers and builds.
//!
//! They are copies of a [`Template`], and die with the thread that asked for the first of them. So one thread asks for all, and lives until
//! the sandbox is gone.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::mpsc,
};

use rustix::process::Pid;
use tidemill_sandbox::{Launcher, Template};
use tokio::sync::oneshot;

/// Told what became of a start.
type Told = Box<dyn FnOnce(io::Result<Pid>) + Send>;

enum Request {
    Start {
        descriptors: Vec<OwnedFd>,
        told: Told,
    },
    /// Nothing more will be started.
    Close {
        done: oneshot::Sender<()>,
    },
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Launchers {
    requests: mpsc::Sender<Request>,
}

impl Launchers {
    /// Starts the thread.
    pub fn new(launcher: Launcher) -> io::Result<Launchers> {
        let (requests, waiting) = mpsc::channel();
        std::thread::Builder::new().name("launchers".to_owned()).spawn(move || serve(launcher, waiting))?;
        Ok(Launchers { requests })
    }

    /// Starts a launcher with `descriptors` from 0 on, the last of which is its end of the control socket. It leads a session of its own, and
    /// `own` makes of it what owns it: whoever asked may have left by then.
    pub async fn start<T: Send + 'static>(
        &self,
        descriptors: Vec<OwnedFd>,
        own: impl FnOnce(Pid) -> T + Send + 'static,
    ) -> io::Result<T> {
        let lost = || io::Error::other("the thread that starts launchers is gone");
        let (answer, started) = oneshot::channel();
        let told: Told = Box::new(move |pid| drop(answer.send(pid.map(own))));
        self.requests.send(Request::Start { descriptors, told }).map_err(|_| lost())?;
        started.await.map_err(|_| lost())?
    }

    /// Ends the template. What was started stays.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.requests.send(Request::Close { done }).is_ok() {
            // A thread that is gone has closed it.
            let _ = closed.await;
        }
    }
}

fn serve(launcher: Launcher, waiting: mpsc::Receiver<Request>) {
    let mut template = Template::new(launcher);
    // So that the first program need not wait for it; if it cannot be started, that one says so.
    let _ = template.start();
    let mut template = Some(template);
    for request in waiting {
        match request {
            Request::Start { descriptors, told } => {
                let all: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
                told(match &mut template {
                    Some(template) => template.copy(&all),
                    None => Err(io::Error::other("the server is stopping")),
                });
            }
            Request::Close { done } => {
                template = None;
                let _ = done.send(());
            }
        }
    }
}
