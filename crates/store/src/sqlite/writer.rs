//! The writer: one thread that gathers waiting writes into one transaction.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use rusqlite::Connection;
use tidemill_core::ports::{Clock, StoreError};
use tidemill_core::time::micros;
use tokio::sync::{mpsc, oneshot};

use super::{
    checkpoint::Checkpoints,
    transaction::{Failure, FunctionIds, Outcome, Transaction, store_error},
};
use crate::blobs::{BlobId, DirBlobs};

/// The most writes in one transaction.
pub(super) const BATCH_MAX: usize = 512;
/// The most writes that wait; more wait outside.
const WAITING_MAX: usize = 4096;

/// What the writer has done since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreMetrics {
    /// Transactions committed.
    pub commits: u64,
    /// Writes in them; divided by `commits`, the writes that share a commit.
    pub writes: u64,
    /// Microseconds spent in commits, which is nearly all waiting for the disk.
    pub commit_us: u64,
    /// Microseconds spent in transactions before their commit.
    pub write_us: u64,
    /// Transactions that failed and were rolled back.
    pub failures: u64,
}

/// The same for whoever collects metrics.
struct Published {
    commits: metrics::Counter,
    writes: metrics::Counter,
    seconds: metrics::Histogram,
}

impl Published {
    fn new() -> Published {
        Published {
            commits: metrics::counter!("tidemill_store_commits_total"),
            writes: metrics::counter!("tidemill_store_writes_total"),
            seconds: metrics::histogram!("tidemill_store_commit_seconds"),
        }
    }
}

#[derive(Default)]
struct Counters {
    commits: AtomicU64,
    writes: AtomicU64,
    commit_us: AtomicU64,
    write_us: AtomicU64,
    failures: AtomicU64,
}

/// One write on its way through the writer. Run as often as its batch is; answered once.
trait Write: Send {
    /// Whether its answer means that it is on disk.
    fn is_durable(&self) -> bool;
    /// Does it. A refusal is kept for the answer; an error is SQLite's and spoils the transaction.
    fn run(&mut self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()>;
    /// Answers, after the commit or after its failure.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Pending<I, O> {
    intent: I,
    durable: bool,
    run: fn(&mut Transaction<'_>, &I) -> Outcome<O>,
    result: Option<Result<O, StoreError>>,
    answer: oneshot::Sender<Result<O, StoreError>>,
}

impl<I: Send, O: Send> Write for Pending<I, O> {
    fn is_durable(&self) -> bool {
        self.durable
    }

    fn run(&mut self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
        match (self.run)(transaction, &self.intent) {
            Ok(output) => self.result = Some(Ok(output)),
            Err(Failure::Refused(error)) => self.result = Some(Err(error)),
            Err(Failure::Sql(error)) => return Err(error),
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match committed {
            Ok(()) => self.result.expect("a committed write has run"),
            Err(error) => Err(error),
        };
        // Nobody listens when the caller gave up meanwhile.
        let _ = self.answer.send(result);
    }
}

/// The way to the writer. Dropping it lets the writer finish what waits, and joins it.
pub(super) struct WriterHandle {
    queue: Option<mpsc::Sender<Box<dyn Write>>>,
    counters: Arc<Counters>,
    thread: Option<thread::JoinHandle<()>>,
}

impl WriterHandle {
    /// Starts the writer on its connection. It keeps `lock` until it has closed the database.
    pub(super) fn start(
        connection: Connection,
        checkpoints: Checkpoints,
        clock: Arc<dyn Clock>,
        blobs: Arc<DirBlobs>,
        lock: fs::File,
    ) -> std::io::Result<WriterHandle> {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let counters = Arc::new(Counters::default());
        let writer = Writer {
            connection,
            checkpoints,
            clock,
            blobs,
            function_ids: FunctionIds::new(),
            counters: Arc::clone(&counters),
            published: Published::new(),
            syncs: true,
        };
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || {
            writer.run(waiting);
            drop(lock);
        })?;
        Ok(WriterHandle { queue: Some(queue), counters, thread: Some(thread) })
    }

    /// Queues a write and waits until it is committed. With `durable`, until it is on disk.
    pub(super) async fn write<I, O>(
        &self,
        durable: bool,
        intent: I,
        run: fn(&mut Transaction<'_>, &I) -> Outcome<O>,
    ) -> Result<O, StoreError>
    where
        I: Send + 'static,
        O: Send + 'static,
    {
        let gone = || StoreError::Failed("the store is closed".into());
        let (answer, result) = oneshot::channel();
        let pending = Box::new(Pending { intent, durable, run, result: None, answer });
        self.queue.as_ref().ok_or_else(gone)?.send(pending).await.map_err(|_| gone())?;
        result.await.map_err(|_| gone())?
    }

    pub(super) fn metrics(&self) -> StoreMetrics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreMetrics {
            commits: read(&self.counters.commits),
            writes: read(&self.counters.writes),
            commit_us: read(&self.counters.commit_us),
            write_us: read(&self.counters.write_us),
            failures: read(&self.counters.failures),
        }
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

struct Writer {
    // Before the connection: its own is closed first.
    checkpoints: Checkpoints,
    connection: Connection,
    clock: Arc<dyn Clock>,
    blobs: Arc<DirBlobs>,
    function_ids: FunctionIds,
    counters: Arc<Counters>,
    published: Published,
    /// Whether commits wait for the disk, as SQLite is set now.
    syncs: bool,
}

impl Writer {
    fn run(mut self, mut waiting: mpsc::Receiver<Box<dyn Write>>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while waiting.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
            self.commit(std::mem::take(&mut batch));
            batch.reserve(BATCH_MAX);
        }
    }

    fn commit(&mut self, mut batch: Vec<Box<dyn Write>>) {
        match self.attempt(&mut batch) {
            Ok(released) => {
                self.counters.writes.fetch_add(batch.len() as u64, Ordering::Relaxed);
                batch.into_iter().for_each(|write| write.answer(Ok(())));
                self.remove(&released);
                self.checkpoints.after_commit(&self.connection);
            }
            Err(error) => {
                let error = self.roll_back(&error);
                if batch.len() == 1 || matches!(error, StoreError::Full) {
                    batch.into_iter().for_each(|write| write.answer(Err(error.clone())));
                } else {
                    // One of them spoils it for all: each for itself.
                    batch.into_iter().for_each(|write| self.commit(vec![write]));
                }
            }
        }
    }

    /// Runs the batch in one transaction. Returns the blobs that nothing refers to any more.
    fn attempt(&mut self, batch: &mut [Box<dyn Write>]) -> rusqlite::Result<Vec<BlobId>> {
        self.sync_commits(batch.iter().any(|write| write.is_durable()))?;
        let started = Instant::now();
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut transaction = Transaction {
            connection: &self.connection,
            clock: self.clock.as_ref(),
            function_ids: &mut self.function_ids,
            may_release_blobs: false,
        };
        batch.iter_mut().try_for_each(|write| write.run(&mut transaction))?;
        let released = transaction.take_released_blobs()?;
        let written = Instant::now();
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        self.counters.write_us.fetch_add(micros(written - started), Ordering::Relaxed);
        self.counters.commit_us.fetch_add(micros(written.elapsed()), Ordering::Relaxed);
        self.published.commits.increment(1);
        self.published.writes.increment(batch.len() as u64);
        self.published.seconds.record(written.elapsed());
        Ok(released)
    }

    /// Whether the next commit waits for the disk. A commit that does not is made durable by the next one that does.
    fn sync_commits(&mut self, sync: bool) -> rusqlite::Result<()> {
        if self.syncs != sync {
            self.connection.execute_batch(if sync {
                "PRAGMA synchronous = FULL"
            } else {
                "PRAGMA synchronous = NORMAL"
            })?;
            self.syncs = sync;
        }
        Ok(())
    }

    fn roll_back(&mut self, error: &rusqlite::Error) -> StoreError {
        self.counters.failures.fetch_add(1, Ordering::Relaxed);
        self.function_ids.clear();
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the store could not roll back");
        }
        let sorted = store_error(error);
        match sorted {
            StoreError::Full => {
                tracing::warn!(%error, "no space is left for the store");
                self.checkpoints.nudge();
            }
            _ => tracing::error!(%error, "the store failed"),
        }
        sorted
    }

    fn remove(&self, released: &[BlobId]) {
        for id in released {
            if let Err(error) = self.blobs.remove(id) {
                tracing::warn!(blob = %id, %error, "a blob that nothing refers to could not be removed; the next start removes it");
            }
        }
    }
}
