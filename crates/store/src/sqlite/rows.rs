//! Rows as values of the core, and back.

use rusqlite::{Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};
use tidemill_core::{
    Timestamp,
    event::Event,
    function::FunctionState,
    id::{Generation, InvocationId, RevisionNumber},
    invocation::{Attempt, AttemptOutcome, Invocation, LogLevel, LogLine, RunReport, Status, Timings},
    name::FunctionRef,
    ports::StoreError,
};
use uuid::Uuid;

/// The number of a status in `invocations.status`. Partial indexes rely on it.
pub(super) const fn status_code(status: Status) -> i64 {
    match status {
        Status::Queued => 0,
        Status::Running => 1,
        Status::Succeeded => 2,
        Status::Failed => 3,
        Status::Cancelled => 4,
        Status::DeadLettered => 5,
    }
}

/// A value that cannot be what the column says.
fn strange(column: usize, kind: Type, what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, what.into())
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    row.get_ref(column)?.as_str().map_err(|error| strange(column, Type::Text, error))
}

fn text_option<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r str>> {
    row.get_ref(column)?.as_str_or_null().map_err(|error| strange(column, Type::Text, error))
}

pub(super) fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let code: i64 = row.get(column)?;
    Status::ALL
        .into_iter()
        .find(|status| status_code(*status) == code)
        .ok_or_else(|| strange(column, Type::Integer, format!("{code} is no status")))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp)
}

pub(super) fn time_option(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp))
}

pub(super) fn invocation_id(row: &Row<'_>, column: usize) -> rusqlite::Result<InvocationId> {
    row.get::<_, [u8; 16]>(column).map(|bytes| InvocationId(Uuid::from_bytes(bytes)))
}

/// A text column in a type that can be read from text.
pub(super) fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text(row, column)?.parse().map_err(|error| strange(column, Type::Text, error))
}

/// A text column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(text(row, column)?).map_err(|error| strange(column, Type::Text, error))
}

/// A value as the JSON that is stored.
pub(super) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(error.to_string()))
}

/// A function by the columns `project` and `name`.
pub(super) fn function(row: &Row<'_>, project: usize) -> rusqlite::Result<FunctionRef> {
    Ok(FunctionRef::new(parsed(row, project)?, parsed(row, project + 1)?))
}

fn outcome(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<AttemptOutcome>> {
    let Some(text) = text_option(row, column)? else { return Ok(None) };
    let outcome = AttemptOutcome::parse(text);
    outcome.map(Some).ok_or_else(|| strange(column, Type::Text, format!("{text:?} is no outcome")))
}

/// An unsigned number; what is stored never is negative.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|value| u64::try_from(value).unwrap_or(0))
}

/// The columns that [`invocation`] reads, from `invocations i` joined with `events e`.
macro_rules! invocation_columns {
    () => {
        "i.id, i.status, e.envelope, i.event_size, i.order_key, i.idempotency_key, i.parent, i.attempts, i.failures, \
         i.interruptions, i.generation, i.received_at, i.available_at, i.started_at, i.finished_at, i.outcome, i.reason, \
         i.response_status, i.received_us, i.queued_us, i.cold_start_us, i.user_code_us, i.transfer_us, i.commit_us"
    };
}
pub(super) use invocation_columns;
/// How many they are.
pub(super) const INVOCATION_COLUMN_COUNT: usize = 24;

/// Reads `invocation_columns!`; the event's body stays empty.
pub(super) fn invocation(row: &Row<'_>, function: FunctionRef) -> rusqlite::Result<Invocation> {
    Ok(Invocation {
        id: invocation_id(row, 0)?,
        function,
        status: status(row, 1)?,
        event: json::<Event>(row, 2)?,
        event_size: count(row, 3)?,
        key: row.get(4)?,
        idempotency_key: row.get(5)?,
        parent: row.get::<_, Option<[u8; 16]>>(6)?.map(|bytes| InvocationId(Uuid::from_bytes(bytes))),
        attempts: row.get(7)?,
        failures: row.get(8)?,
        interruptions: row.get(9)?,
        generation: Generation(row.get(10)?),
        received_at: time(row, 11)?,
        available_at: time(row, 12)?,
        started_at: time_option(row, 13)?,
        finished_at: time_option(row, 14)?,
        outcome: outcome(row, 15)?,
        reason: row.get(16)?,
        response_status: row.get(17)?,
        timings: timings(row, 18)?,
    })
}

/// Six columns from `first` on.
pub(super) fn timings(row: &Row<'_>, first: usize) -> rusqlite::Result<Timings> {
    Ok(Timings {
        received_us: count(row, first)?,
        queued_us: count(row, first + 1)?,
        cold_start_us: count(row, first + 2)?,
        user_code_us: count(row, first + 3)?,
        transfer_us: count(row, first + 4)?,
        commit_us: count(row, first + 5)?,
    })
}

/// A number of microseconds as it is stored.
pub(super) fn micros(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Reads `number, revision, worker, started_at, finished_at, outcome, reason`, and from there on what [`report`] reads.
pub(super) fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        number: row.get(0)?,
        revision: row.get::<_, Option<u32>>(1)?.map(RevisionNumber),
        worker: row.get(2)?,
        started_at: time(row, 3)?,
        finished_at: time(row, 4)?,
        outcome: outcome(row, 5)?.ok_or_else(|| strange(5, Type::Null, "an attempt without outcome"))?,
        reason: row.get(6)?,
        report: report(row, 7)?,
    })
}

/// Reads `run_us, exit_code, cpu_ns, io_bytes, memory_bytes_max, final_state` from `first` on.
fn report(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<RunReport>> {
    if row.get::<_, Option<i64>>(first)?.is_none() {
        return Ok(None);
    }
    let has_state = text_option(row, first + 5)?.is_some();
    Ok(Some(RunReport {
        run_us: count(row, first)?,
        exit_code: row.get(first + 1)?,
        cpu_ns: count(row, first + 2)?,
        io_bytes: count(row, first + 3)?,
        memory_bytes_max: count(row, first + 4)?,
        final_state: if has_state { json(row, first + 5)? } else { serde_json::Value::Null },
    }))
}

/// Reads `time, level, message, fields` from `first` on.
pub(super) fn log_line(row: &Row<'_>, first: usize) -> rusqlite::Result<LogLine> {
    let has_fields = text_option(row, first + 3)?.is_some();
    Ok(LogLine {
        time: time(row, first)?,
        level: LogLevel::parse(text(row, first + 1)?),
        message: row.get(first + 2)?,
        fields: if has_fields { Some(json(row, first + 3)?) } else { None },
    })
}

/// The desired state of a function.
pub(super) fn desired(row: &Row<'_>, column: usize) -> rusqlite::Result<FunctionState> {
    let word = text(row, column)?;
    FunctionState::parse(word).ok_or_else(|| strange(column, Type::Text, format!("{word:?} is no state")))
}
