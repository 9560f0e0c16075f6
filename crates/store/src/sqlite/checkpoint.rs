//! Checkpoints: moving the log's pages into the database, away from the writes that wait.
//!
//! A thread with a connection of its own does it, nudged after each [`NUDGE_PAGES`]; the writer goes on meanwhile. Under
//! writes without a pause that never catches up, so at [`WAL_PAGES_MAX`] the writer does the small rest itself, and the
//! log starts anew. That bounds the log's file, unless somebody reads for very long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use rusqlite::Connection;

/// So many pages are worth a checkpoint.
const NUDGE_PAGES: usize = 1000;
/// So many pages are the most (64 MiB).
const WAL_PAGES_MAX: usize = 16 * 1024;

/// Decides when checkpoints happen. Dropping it ends its thread.
pub(super) struct Checkpoints {
    pages: Arc<AtomicUsize>,
    nudged_at: usize,
    nudge: Option<SyncSender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Checkpoints {
    /// Watches the writer's commits; checkpoints run on `connection`.
    pub(super) fn start(writer: &mut Connection, connection: Connection) -> Result<Checkpoints, StartError> {
        let pages = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&pages);
        // This takes the place of SQLite's own checkpoint every thousand pages, which would run within a commit.
        writer.wal_hook(Some(move |_: &mut _, pages| {
            seen.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let (nudge, nudges) = sync_channel(1);
        let thread = thread::Builder::new().name("store-checkpoint".into()).spawn(move || run(&connection, &nudges))?;
        Ok(Checkpoints { pages, nudged_at: 0, nudge: Some(nudge), thread: Some(thread) })
    }

    /// To be called between transactions.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.nudged_at {
            self.nudged_at = 0;
        }
        if pages >= WAL_PAGES_MAX {
            checkpoint(writer);
        } else if pages >= self.nudged_at + NUDGE_PAGES {
            self.nudged_at = pages;
            self.nudge();
        }
    }

    /// To be called when the disk is full: pages that are in the database free the log's room.
    pub(super) fn nudge(&self) {
        if let Some(nudge) = &self.nudge {
            // When one waits already, it will do.
            let _ = nudge.try_send(());
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.nudge = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's checkpoints panicked");
        }
    }
}

/// Why checkpoints could not be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Thread(#[from] std::io::Error),
}

fn run(connection: &Connection, nudges: &Receiver<()>) {
    while nudges.recv().is_ok() {
        checkpoint(connection);
    }
}

/// Moves what can be moved without waiting for anybody.
fn checkpoint(connection: &Connection) {
    let result = connection
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
        .and_then(|mut pragma| pragma.query_row([], |_| Ok(())));
    if let Err(error) = result {
        // The pages stay in the log and are moved later.
        tracing::warn!(%error, "the store's log could not be folded into the database");
    }
}
