//! The store's face: each intent prepares, then writes or reads.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, params};
use tidemill_core::{
    Timestamp,
    function::{FunctionRecord, FunctionState, RevisionRecord},
    id::{InvocationId, RevisionNumber},
    invocation::{Invocation, Reply},
    limits::INLINE_BODY_BYTES_MAX,
    name::{FunctionRef, ProjectName},
    ports::{
        CancelResult, Claim, Claimed, Fire, HistoryRecord, InvocationDetail, InvocationFilter, LeaseRef, LogFilter,
        LoggedLine, NewInvocation, Page, QueueStats, RedriveFilter, Retention, ScheduleRecord, Settled, Settlement,
        StateRecord, Store, StoreError, Submitted, Usage,
    },
};

use super::{
    bodies,
    checkpoint::{Checkpoints, StartError},
    claim,
    config::{self, OpenError, SqliteConfig},
    control,
    expire::{self, Expiry},
    functions, history, listing, logs, prune,
    readers::Readers,
    reading, results, rows,
    schedules::{self, PreparedFire},
    schema, settle, states, submit,
    transaction::{Outcome, Transaction},
    usage,
    writer::{StoreMetrics, WriterHandle},
};
use crate::blobs::{BlobId, DirBlobs};

/// How often a row is read again whose blob is gone: it was replaced or taken meanwhile.
const READS_MAX: u32 = 16;

/// The store on SQLite. Dropping it finishes the writes that wait, closes the database and frees its directory.
pub struct SqliteStore {
    // Before the writer: closed first, so that the writer's connection is the last and folds the log into the file.
    pub(super) readers: Readers,
    writer: WriterHandle,
    blobs: Arc<DirBlobs>,
}

impl SqliteStore {
    /// Opens the store in a directory, which is made when it does not exist. Blocks.
    pub fn open(config: SqliteConfig) -> Result<SqliteStore, OpenError> {
        config::check_version()?;
        let lock = config::lock(&config)?;
        let mut connection = schema::open_writer(&config)?;
        sweep_blobs(&connection, &config)?;
        let readers = (0..config.readers.max(1)).map(|_| schema::open_reader(&config)).collect::<Result<_, _>>()?;
        let directory = || config.directory.clone();
        let checkpoints = Checkpoints::start(&mut connection, schema::open_checkpointer(&config)?);
        let checkpoints = checkpoints.map_err(|error| match error {
            StartError::Sqlite(source) => OpenError::Database { directory: directory(), source },
            StartError::Thread(source) => OpenError::Io { path: directory(), source },
        })?;
        let (clock, blobs) = (Arc::clone(&config.clock), Arc::clone(&config.blobs));
        let writer = WriterHandle::start(connection, checkpoints, clock, blobs, lock)
            .map_err(|source| OpenError::Io { path: directory(), source })?;
        Ok(SqliteStore { readers: Readers::new(readers), writer, blobs: config.blobs })
    }

    /// What the writer has done so far.
    pub fn metrics(&self) -> StoreMetrics {
        self.writer.metrics()
    }

    /// Queues a durable write and waits until it is on disk.
    pub(super) async fn write<I: Send + 'static, O: Send + 'static>(
        &self,
        intent: I,
        run: fn(&mut Transaction<'_>, &I) -> Outcome<O>,
    ) -> Result<O, StoreError> {
        self.writer.write(true, intent, run).await
    }
}

/// Removes blobs that a crash left behind.
fn sweep_blobs(connection: &Connection, config: &SqliteConfig) -> Result<(), OpenError> {
    let known = connection
        .prepare("SELECT digest FROM blobs")
        .and_then(|mut list| list.query_map([], |row| row.get(0).map(BlobId))?.collect::<Result<HashSet<_>, _>>())
        .map_err(|source| OpenError::Database { directory: config.directory.clone(), source })?;
    let removed =
        config.blobs.sweep(&known).map_err(|source| OpenError::Io { path: config.directory.join("blobs"), source })?;
    if removed > 0 {
        tracing::info!(removed, "removed blobs that a crash had left behind");
    }
    Ok(())
}

fn check(transaction: &mut Transaction<'_>, (): &()) -> Outcome<()> {
    transaction
        .prepare(
            "INSERT INTO meta (name, value) VALUES ('checked_at', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1",
        )?
        .execute(params![transaction.now().micros()])?;
    Ok(())
}

#[async_trait]
impl Store for SqliteStore {
    async fn submit(&self, invocations: Vec<NewInvocation>) -> Result<Vec<Submitted>, StoreError> {
        let prepared = submit::prepare(&self.blobs, invocations).await?;
        self.write(submit::Submission(prepared), submit::submit).await
    }

    async fn claim(&self, intent: Claim) -> Result<Vec<Claimed>, StoreError> {
        let rows = self.write(intent, claim::claim).await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for (mut invocation, body) in rows {
            invocation.event.body = body.inline().unwrap_or_default();
            claimed.push(Claimed { invocation });
        }
        Ok(claimed)
    }

    async fn renew(&self, leases: Vec<LeaseRef>, until: Timestamp) -> Result<Vec<LeaseRef>, StoreError> {
        self.write((leases, until), claim::renew).await
    }

    async fn settle(&self, settlement: Settlement) -> Result<Settled, StoreError> {
        let prepared = settle::prepare(&self.blobs, settlement).await?;
        self.write(prepared, settle::settle).await
    }

    async fn expire(
        &self,
        now: Timestamp,
        only_owner: Option<String>,
        interruptions_max: u32,
    ) -> Result<Vec<FunctionRef>, StoreError> {
        self.write(Expiry { now, only_owner, interruptions_max }, expire::expire).await
    }

    async fn due(&self, now: Timestamp) -> Result<(Vec<FunctionRef>, Option<Timestamp>), StoreError> {
        self.readers.read(move |connection| claim::due(connection, now)).await
    }

    async fn cancel(&self, id: InvocationId, now: Timestamp) -> Result<CancelResult, StoreError> {
        self.write((id, now), control::cancel).await
    }

    async fn retry(&self, id: InvocationId, now: Timestamp) -> Result<FunctionRef, StoreError> {
        self.write((id, now), control::retry).await
    }

    async fn redrive(&self, filter: RedriveFilter, now: Timestamp) -> Result<u64, StoreError> {
        self.write((filter, now), control::redrive).await
    }

    async fn purge(&self, filter: RedriveFilter, queued: bool) -> Result<u64, StoreError> {
        self.write((filter, queued), control::purge).await
    }

    async fn record(&self, records: Vec<HistoryRecord>) -> Result<(), StoreError> {
        let mut prepared = Vec::with_capacity(records.len());
        for record in records {
            prepared.push(history::prepare(&self.blobs, record).await?);
        }
        self.writer.write(false, history::Records(prepared), history::record).await
    }

    async fn invocation(&self, id: InvocationId) -> Result<InvocationDetail, StoreError> {
        self.readers.read(move |connection| reading::invocation(connection, id)).await
    }

    async fn event_body(&self, id: InvocationId) -> Result<Bytes, StoreError> {
        let body = self.readers.read(move |connection| reading::event_body(connection, id)).await?;
        bodies::fetch(&self.blobs, body).await?.ok_or(StoreError::NotFound)
    }

    async fn reply(&self, id: InvocationId) -> Result<Option<Reply>, StoreError> {
        match self.readers.read(move |connection| reading::reply(connection, id)).await? {
            None => Ok(None),
            Some((mut reply, body)) => {
                reply.body = bodies::fetch(&self.blobs, body).await?.unwrap_or_default();
                Ok(Some(reply))
            }
        }
    }

    async fn invocations(&self, filter: InvocationFilter) -> Result<Page<Invocation>, StoreError> {
        self.readers.read(move |connection| listing::invocations(connection, &filter)).await
    }

    async fn logs(&self, filter: LogFilter) -> Result<Vec<LoggedLine>, StoreError> {
        self.readers.read(move |connection| logs::read(connection, &filter)).await
    }

    async fn queues(
        &self,
        project: &ProjectName,
        function: Option<&FunctionRef>,
    ) -> Result<Vec<QueueStats>, StoreError> {
        let (project, function) = (project.clone(), function.cloned());
        self.readers.read(move |connection| listing::queues(connection, &project, function.as_ref())).await
    }

    async fn put_revision(
        &self,
        revision: RevisionRecord,
        desired: FunctionState,
    ) -> Result<FunctionRecord, StoreError> {
        let spec = rows::to_json(&revision.spec)?;
        self.write(functions::PreparedRevision { revision, spec, desired }, functions::put_revision).await
    }

    async fn activate(
        &self,
        function: &FunctionRef,
        revision: RevisionNumber,
        now: Timestamp,
    ) -> Result<FunctionRecord, StoreError> {
        self.write((function.clone(), revision, now), functions::activate).await
    }

    async fn set_desired(
        &self,
        function: &FunctionRef,
        desired: FunctionState,
        now: Timestamp,
    ) -> Result<FunctionRecord, StoreError> {
        self.write((function.clone(), desired, now), functions::set_desired).await
    }

    async fn functions(&self) -> Result<Vec<FunctionRecord>, StoreError> {
        self.readers.read(functions::all).await
    }

    async fn revisions(&self, function: &FunctionRef) -> Result<Vec<RevisionRecord>, StoreError> {
        let function = function.clone();
        self.readers.read(move |connection| functions::revisions(connection, &function)).await
    }

    async fn delete_function(&self, function: &FunctionRef) -> Result<(), StoreError> {
        self.write(function.clone(), functions::delete).await
    }

    async fn put_schedules(&self, function: &FunctionRef, schedules: Vec<ScheduleRecord>) -> Result<(), StoreError> {
        self.write((function.clone(), schedules), schedules::put).await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRecord>, StoreError> {
        self.readers.read(schedules::all).await
    }

    async fn fire(&self, mut fire: Fire) -> Result<Option<Vec<Submitted>>, StoreError> {
        let invocations = submit::prepare(&self.blobs, std::mem::take(&mut fire.invocations)).await?;
        self.write(PreparedFire { fire, invocations }, schedules::fire).await
    }

    async fn prune(&self, retention: Retention) -> Result<u64, StoreError> {
        self.write(retention, prune::prune).await
    }

    async fn state(&self, function: &FunctionRef, key: &str) -> Result<Option<StateRecord>, StoreError> {
        for _ in 0..READS_MAX {
            let (function, key) = (function.clone(), key.to_owned());
            let found = self.readers.read(move |connection| states::one(connection, &function, &key)).await?;
            let Some((record, value)) = found else { return Ok(None) };
            match bodies::fetch(&self.blobs, value).await {
                // Replaced between reading the row and reading the blob.
                Err(StoreError::NotFound) => {}
                value => return Ok(Some(StateRecord { value: value?.unwrap_or_default(), ..record })),
            }
        }
        Err(StoreError::Failed(format!("the state of {function} cannot be read: its blob is not there")))
    }

    async fn put_state(
        &self,
        function: &FunctionRef,
        key: &str,
        value: Option<Bytes>,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let (function, key) = (function.clone(), key.to_owned());
        if value.as_ref().is_some_and(|value| value.len() > INLINE_BODY_BYTES_MAX) {
            let (function, key) = (function.clone(), key.clone());
            self.readers.read(move |connection| states::check(connection, &function, &key, expected)).await?;
        }
        let value = match value {
            Some(value) => Some(bodies::keep(&self.blobs, value).await?),
            None => None,
        };
        let put = states::Put { function, key, value, expected, now };
        self.write(put, states::put).await
    }

    async fn states(
        &self,
        function: &FunctionRef,
        after: Option<String>,
        limit: u32,
    ) -> Result<Page<StateRecord>, StoreError> {
        let function = function.clone();
        self.readers.read(move |connection| states::list(connection, &function, after.as_deref(), limit)).await
    }

    async fn take_result(&self, id: InvocationId) -> Result<Option<Bytes>, StoreError> {
        let mut lost = 0;
        loop {
            let found = self.readers.read(move |connection| results::oldest(connection, id)).await?;
            let Some((position, body)) = found else { return Ok(None) };
            // Read before it is taken away: the blob goes with the row.
            let result = match bodies::fetch(&self.blobs, body).await {
                Err(StoreError::NotFound) if lost < READS_MAX => {
                    lost += 1;
                    continue;
                }
                Err(StoreError::NotFound) => {
                    return Err(StoreError::Failed(format!("a result of {id} cannot be read: its blob is not there")));
                }
                result => result?,
            };
            // Whoever removes it has it.
            if self.write(position, results::remove).await? {
                return Ok(result);
            }
        }
    }

    async fn usage(&self, function: &FunctionRef) -> Result<Usage, StoreError> {
        let function = function.clone();
        self.readers.read(move |connection| usage::of(connection, &function)).await
    }

    async fn forget_logs(&self, function: &FunctionRef, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let function = function.clone();
        let old = self.readers.read(move |connection| logs::old(connection, &function, before, limit)).await?;
        if old.is_empty() { Ok(0) } else { self.write((old, before), logs::forget).await }
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.write((), check).await
    }
}
