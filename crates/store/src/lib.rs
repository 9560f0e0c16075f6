//! The store port, twice: on SQLite and in memory, and the suite that both pass.
//!
//! [`SqliteStore`] is the embedded default: one file, one writer that gathers waiting writes into one transaction, a few
//! readers. [`MemoryStore`] has the same semantics in memory; tests and the simulation of the engine run on it, with
//! faults injected. What either decides beyond the data that comes in stands once, in `rules`.

mod blobs;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;
mod rules;
mod sqlite;

pub use blobs::{BlobId, DirBlobs, Pin};
pub use memory::{Fault, MemoryStore};
pub use sqlite::{OpenError, SqliteConfig, SqliteStore, StoreMetrics};

#[cfg(test)]
mod tests;
