//! What a linked worker lives in, as far as the protocol must know: a process of this machine, a container.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tidemill_core::invocation::AttemptOutcome;

/// One of the two streams that a worker prints to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Out,
    Err,
}

/// What [`Vessel::next`] tells of.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The worker printed something: some bytes, not whole lines.
    Printed(Output, Bytes),
    /// It has ended.
    Ended,
}

/// How a worker ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// To follow "the worker", as in `exited with code 3`.
    pub words: String,
    /// Whether it says of itself that all went well (exit code 0).
    pub is_success: bool,
    /// What is known to be the cause, as in `(OutOfMemory, "used more than …")`. It counts when nothing was known before.
    pub cause: Option<(AttemptOutcome, String)>,
}

/// A running worker, owned by its attendant. Dropping it ends it by force.
pub(crate) trait Vessel: Send + 'static {
    /// Waits for the next thing to happen. Cancel-safe. Once it has ended it says so again and again.
    fn next(&mut self) -> impl Future<Output = Happening> + Send;

    /// Takes what was printed by now, without waiting.
    fn drain(&mut self, take: impl FnMut(Output, &[u8]));

    /// Ends what is left of it and says how it ended. Called when [`Happening::Ended`] was told.
    fn end(self) -> impl Future<Output = Ended> + Send;
}

/// Ends a worker, from anywhere and at any time. Nothing here waits; the end shows in the [`Vessel`].
pub(crate) trait Leash: Send + Sync {
    /// Ends it by force.
    fn kill(&self);

    /// Asks it to end.
    fn terminate(&self);

    /// How long a worker that has closed its socket, or was asked to end, has to do so.
    fn leaving_grace(&self) -> Duration {
        Duration::from_millis(500)
    }

    /// The memory that it uses now, in bytes, when that is to be watched from outside.
    fn resident_bytes(&self) -> Option<u64> {
        None
    }

    /// The limit in bytes for which a part of it, which need not be the worker itself, was killed by now.
    fn broken_memory_limit(&self) -> Option<u64> {
        None
    }

    /// Whether something runs in it that began at `since` or later, or there is next to no room for more processes.
    fn has_leftovers(&self, since: Option<Instant>) -> bool {
        let _ = since;
        false
    }
}
