//! Both stores pass the same suite, and agree on whatever is done to them.

mod disk;
mod model;
mod reopen;

use std::sync::Arc;

use crate::{
    MemoryStore, SqliteConfig, SqliteStore,
    contract::{ManualClock, Subject},
};

/// A store on SQLite in a directory of its own.
fn sqlite() -> Subject {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let store = SqliteStore::open(SqliteConfig::new(directory.path(), clock.clone())).unwrap();
    Subject { store: Arc::new(store), clock, keep: Box::new(directory) }
}

fn memory() -> Subject {
    let clock = ManualClock::new();
    Subject { store: Arc::new(MemoryStore::new(clock.clone())), clock, keep: Box::new(()) }
}

mod on_sqlite {
    crate::store_contract!(crate::tests::sqlite());
}

mod in_memory {
    crate::store_contract!(crate::tests::memory());
}
