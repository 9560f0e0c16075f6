//! The store on SQLite: one file, one writer, a few readers.
//!
//! ```text
//!   caller ── prepare (JSON, blobs) ──► bounded channel ──► writer thread ──► BEGIN · all that wait · COMMIT ──► answers
//!   caller ── read ──► one of a few read-only connections
//! ```
//!
//! - The database is `tidemill.db` in the store's directory, in WAL mode with `synchronous=FULL`: what is answered is on
//!   disk. `tidemill.lock` is locked while the store is open, so no two processes share a directory.
//! - **Group commit.** The writer takes every write that waits, up to [`writer::BATCH_MAX`], into one transaction, and never
//!   waits for more to come. Writes check before they change anything, so a refused one leaves no trace and needs no
//!   savepoint. Should SQLite itself fail in the middle, the batch is rolled back and each write is tried alone; when the
//!   disk is full all of the batch get [`StoreError::Full`](tidemill_core::ports::StoreError::Full), and nothing has changed.
//! - Callers turn events and replies into rows and blobs before they queue for the writer, whose time is what limits the store.
//! - **Order by key.** Of the unfinished invocations of one function and key only the first in line is not `blocked`.
//!   Whatever ends or deletes it unblocks the next in the same transaction. Claiming and `due` never look at blocked
//!   ones: partial indexes make both short scans whatever the backlog.
//! - Bodies over [`INLINE_BODY_BYTES_MAX`](tidemill_core::limits::INLINE_BODY_BYTES_MAX) are blobs, on disk before the
//!   transaction that refers to them; a table counts references, and the writer removes files after the commit that dropped the last one.
//! - **State and results** are written by the transaction that ends the execution, after its lease was found valid. Who
//!   takes a result reads it first and then removes its row; whoever removed the row has it.
//! - The registry's entries are read by the readers and changed by the writer, which checks all that a list of changes
//!   expects before it makes the first.
//! - The schema's version is `user_version`; numbered files bring an older one up to date, a newer one is refused.

mod bodies;
mod checkpoint;
mod claim;
mod config;
mod control;
mod expire;
mod functions;
mod history;
mod listing;
mod logs;
#[cfg(test)]
mod plans;
mod prune;
mod readers;
mod reading;
mod registry;
mod results;
mod rows;
mod schedules;
mod schema;
mod settle;
mod states;
mod store;
mod submit;
mod transaction;
mod usage;
mod writer;

pub use config::{OpenError, SqliteConfig};
pub use store::SqliteStore;
pub use writer::StoreMetrics;
