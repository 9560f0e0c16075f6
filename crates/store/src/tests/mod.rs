//! Both stores pass the same suite, and agree on whatever is done to them.

mod disk;
mod formats;
mod model;
mod reopen;

use std::sync::Arc;

use crate::{
    MemoryStore, SqliteConfig, SqliteStore,
    contract::{ManualClock, Subject},
};

/// A store on SQLite in a directory of its own.
fn sqlite() -> Subject {
    sqlite_in(tempfile::tempdir().unwrap())
}

/// A store on SQLite in memory-backed files where the system has them: for tests of many steps, each of which waits for the disk.
fn quick_sqlite() -> Subject {
    sqlite_in(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
}

fn sqlite_in(directory: tempfile::TempDir) -> Subject {
    let clock = ManualClock::new();
    let store = Arc::new(SqliteStore::open(SqliteConfig::new(directory.path(), clock.clone())).unwrap());
    Subject { store: store.clone(), registry: store, clock, keep: Box::new(directory) }
}

fn memory() -> Subject {
    let clock = ManualClock::new();
    let store = Arc::new(MemoryStore::new(clock.clone()));
    Subject { store: store.clone(), registry: store, clock, keep: Box::new(()) }
}

mod on_sqlite {
    crate::store_contract!(crate::tests::sqlite());
}

mod in_memory {
    crate::store_contract!(crate::tests::memory());
}
