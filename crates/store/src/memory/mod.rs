//! The store in memory: the reference that the SQLite store is compared with, and the fake that the engine is tested on.
//!
//! Plain maps behind one lock; whatever needs an order has one, so that a simulation replays. It is written to be
//! obviously right, not fast: finding work looks at all unfinished invocations. A hook injects faults: a call may fail
//! before anything happened, or after all of it did (its answer was lost).

mod actors;
mod control;
mod functions;
mod listing;
mod queue;
mod registry;
mod state;
mod store;

pub use store::{Fault, MemoryStore};
