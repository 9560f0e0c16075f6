//! From a started worker to one that is ready.

use std::{os::fd::OwnedFd, sync::Arc};

use tidemill_core::{
    invocation::AttemptOutcome,
    ports::{Launch, LaunchError, Place},
};
use tokio::{
    net::UnixStream,
    sync::{mpsc, oneshot},
};
use tokio_util::task::TaskTracker;

use super::{
    attendant::{Attendant, LaunchFailure, Owner},
    link::{Link, Request},
    vessel::{Leash, Vessel},
    worker::LinkedWorker,
};
use crate::{
    protocol::{
        frame::{Body, Kind},
        outgoing,
    },
    words::human_duration,
};

/// The three ends that we hold of the channel to a worker.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Frames.
    pub stream: UnixStream,
    /// The memory file that we write.
    pub to_worker: OwnedFd,
    /// The memory file that the worker writes.
    pub from_worker: OwnedFd,
}

/// A worker that was started and knows nothing yet.
pub(crate) struct Introduction<V> {
    link: Arc<Link>,
    requests: mpsc::UnboundedReceiver<Request>,
    vessel: V,
    place: Place,
}

impl<V: Vessel> Introduction<V> {
    /// `memory_bytes` is the limit that its memory is held to, by whomever; ends are explained by it. `place` is what
    /// [`Worker::place`](tidemill_core::ports::Worker::place) says.
    pub fn new(
        launch: &Launch,
        connection: Connection,
        vessel: V,
        leash: Arc<dyn Leash>,
        memory_bytes: Option<u64>,
        place: Place,
    ) -> Introduction<V> {
        let (requests, asked) = mpsc::unbounded_channel();
        let link = Arc::new(Link::new(launch.worker.clone(), connection, leash, memory_bytes, requests));
        Introduction { link, requests: asked, vessel, place }
    }

    /// What all parties around the worker share, for those who watch over it.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Sends `HELLO` with `env` as the function's whole environment, and waits until the worker is ready, no longer than the spec's
    /// readiness timeout. The directory and paths of `launch` are those that the worker sees. The attendant, spawned in
    /// `tasks`, lives until the worker has ended. Dropping the future ends the worker.
    pub async fn make(
        self,
        launch: &Launch,
        env: &[(String, String)],
        slots_max: u32,
        tasks: &TaskTracker,
    ) -> Result<LinkedWorker, LaunchError> {
        let Introduction { link, requests, vessel, place } = self;
        let (ready, mut became_ready) = oneshot::channel();
        let owner = Owner { function: launch.function.clone(), host: launch.host.clone() };
        tasks.spawn(Attendant::new(link.clone(), owner, requests, ready).run(vessel));
        let mut guard = Guard { link: &link, is_over: false };

        let hello = outgoing::hello(launch, env, slots_max);
        link.send(Kind::Hello, 0, Body::Inline(&[]), |out| outgoing::seldom(out, &hello))
            .map_err(|_| refused("the function's environment variables are larger than 16 MiB"))?;
        let timeout = launch.spec.readiness_timeout;
        let answer = match tokio::time::timeout(timeout, &mut became_ready).await {
            Ok(answer) => answer,
            Err(_) => {
                let reason = format!("the worker was not ready within {}", human_duration(timeout));
                link.condemn(None, AttemptOutcome::LaunchFailed, reason);
                became_ready.await
            }
        };
        guard.is_over = true;
        match answer {
            Ok(Ok(ready)) => Ok(LinkedWorker::new(link.clone(), ready.slots.min(slots_max), place)),
            Ok(Err(LaunchFailure { reason, logs })) => Err(LaunchError { reason, logs }),
            Err(_) => Err(refused("the worker was ended before it was ready")),
        }
    }
}

/// A launch whose caller may leave at any time.
struct Guard<'a> {
    link: &'a Link,
    is_over: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.link.condemn(None, AttemptOutcome::Interrupted, "the launch was given up");
        }
    }
}

/// A launch error of one line.
pub(crate) fn refused(reason: impl Into<String>) -> LaunchError {
    LaunchError { reason: reason.into(), logs: Vec::new() }
}
