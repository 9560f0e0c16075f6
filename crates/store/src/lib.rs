//! The ports of what is durable, [`Store`](tidemill_core::ports::Store) and
//! [`Registry`](tidemill_core::ports::Registry), twice: on SQLite and in memory, and the suite that both pass. And the vault
//! ([`KeyVault`]) that seals what is secret in them.
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
pub mod vault;

pub use blobs::{BlobId, DirBlobs, Pin};
pub use memory::{Fault, MemoryStore};
pub use sqlite::{OpenError, SqliteConfig, SqliteStore, StoreMetrics};
pub use vault::KeyVault;

#[cfg(test)]
mod tests;
