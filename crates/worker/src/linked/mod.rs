//! Workers that speak the protocol of `docs/worker-protocol.md` over a connected socket and two memory files, whatever they
//! live in.
//!
//! Whoever starts a worker brings four things: the [`Connection`], a [`Vessel`] (tells what the worker prints and when it has
//! ended), a [`Leash`] (ends it) and a [`Place`](tidemill_core::ports::Place) for people.
//!
//! ```text
//! let introduction = Introduction::new(&launch, connection, vessel, leash, memory_bytes, place);
//! let worker = introduction.make(&launch, &env, slots_max, &tasks).await?;   // HELLO … READY
//! Ok(Arc::new(worker) as Arc<dyn Worker>)                                     // calls, state, messages, cancel, drain, end
//! ```
//!
//! A driver whose worker lives elsewhere makes the ends with [`Meeting`] (a folder with the socket and the memory files, and the
//! variables that tell the worker of them) and tells of it by channels through [`Remote`].
//!
//! From then on two parties share a [`Link`]: the [`LinkedWorker`] that the engine calls, and the attendant, one task a
//! worker, which reads all that the worker sends and prints, and ends it. What ends a worker is written down first (the
//! *verdict*) and carried out by the leash; the attendant sees the vessel end, hands every open call its end, and only then
//! lets others see that it is over. So each call ends exactly once, whatever happens at the same time.

mod attendant;
mod introduction;
mod left;
mod link;
mod meeting;
mod open_call;
mod remote;
mod vessel;
mod worker;

pub(crate) use introduction::{Connection, Introduction, refused};
pub(crate) use link::Link;
pub(crate) use meeting::Meeting;
pub(crate) use remote::Remote;
pub(crate) use vessel::{Ended, Happening, Leash, Output, Vessel};
pub(crate) use worker::LinkedWorker;

#[cfg(test)]
mod tests;
