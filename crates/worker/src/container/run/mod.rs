//! The contract `run`: one container an execution.
//!
//! A [`RunWorker`] has one slot and no container of its own; each call makes one ([`execution`]). While it runs, five things
//! go on at once: somebody waits for its end and looks after the engine ([`watch`]), reads its output ([`logs`]), takes
//! its results ([`results`]), feeds it its message ([`feed`]) and counts what it uses ([`usage`]). What the end means is
//! decided in [`outcome`].
//!
//! | In the container | What | On the host, in the folder of the execution |
//! |---|---|---|
//! | environment | who, what, message, state, configs: [`environment`] | |
//! | `/_abaco_results.sock` | datagram socket, mode 0777; each datagram is a result | `r.sock`, copied to `results` |
//! | `/_abaco_binary_data` | FIFO with the message that is no text | `data` |
//! | `/_tidemill/` | state and send file, see the module `exchange` | `x/` |
//!
//! **Faults.** An engine that goes away is waited for, a minute at most; then the attempt is interrupted and its container left
//! as an orphan. A container that ended because its engine did interrupts the attempt as well: after an end by a signal of
//! nobody's the engine is looked at for some seconds, since one that stops ends its containers first. Anything else that ends it
//! is the container's own end.
//!
//! **Ends of Tidemill.** When Tidemill stops and the grace is over, or dies, containers of executions run on. The next call
//! of the same invocation and revision adopts the container instead of running it again, during two minutes after the
//! restart; later the reaper removes it. So a restart neither repeats an execution nor leaves a container behind. A worker that
//! is stopped by force while Tidemill goes on, as when its function was deleted, ends its container at once. A container that
//! could not be ended blocks its invocation until it has gone. Two things do not survive: the results socket (results sent
//! after the restart are refused to the sender) and a message by FIFO that was not read yet (the execution is begun anew).

mod begin;
mod environment;
mod execution;
mod feed;
mod folder;
mod logs;
mod outcome;
mod query;
mod results;
mod usage;
mod watch;
mod worker;

pub(super) use environment::{LIMIT, is_fit};
pub(super) use folder::Folder;
pub(super) use worker::RunWorker;

#[cfg(test)]
mod tests;
