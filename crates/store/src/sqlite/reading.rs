//! One invocation: its record, its bodies.

use rusqlite::{Connection, OptionalExtension};
use tidemill_core::{
    id::InvocationId,
    invocation::Reply,
    ports::{InvocationDetail, StoreError},
};

use super::{bodies::StoredBody, rows, transaction::Outcome};

/// An invocation with its ended attempts.
pub(super) fn invocation(connection: &Connection, id: InvocationId) -> Outcome<InvocationDetail> {
    let found = connection
        .prepare_cached(concat!(
            "SELECT ",
            rows::invocation_columns!(),
            ", i.seq, f.project, f.name FROM invocations i JOIN events e ON e.seq = i.seq
             JOIN functions f ON f.id = i.function_id WHERE i.id = ?1"
        ))?
        .query_row([id.0.as_bytes()], |row| {
            let at = rows::INVOCATION_COLUMN_COUNT;
            Ok((row.get::<_, i64>(at)?, rows::invocation(row, rows::function(row, at + 1)?)?))
        })
        .optional()?;
    let (seq, invocation) = found.ok_or(StoreError::NotFound)?;
    let attempts = connection
        .prepare_cached(
            "SELECT number, revision, worker, started_at, finished_at, outcome, reason, run_us, exit_code, cpu_ns,
                    io_bytes, memory_bytes_max, final_state
             FROM attempts WHERE seq = ?1 ORDER BY number",
        )?
        .query_map([seq], rows::attempt)?
        .collect::<Result<_, _>>()?;
    Ok(InvocationDetail { invocation, attempts })
}

/// Where the event's body lies.
pub(super) fn event_body(connection: &Connection, id: InvocationId) -> Outcome<StoredBody> {
    let found = connection
        .prepare_cached("SELECT e.body, e.digest FROM events e JOIN invocations i ON i.seq = e.seq WHERE i.id = ?1")?
        .query_row([id.0.as_bytes()], |row| Ok(StoredBody::from_columns(row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.ok_or(StoreError::NotFound)?)
}

/// The response without its body, and where that lies.
pub(super) fn reply(connection: &Connection, id: InvocationId) -> Outcome<Option<(Reply, StoredBody)>> {
    let seq: Option<i64> = connection
        .prepare_cached("SELECT seq FROM invocations WHERE id = ?1")?
        .query_row([id.0.as_bytes()], |row| row.get(0))
        .optional()?;
    let seq = seq.ok_or(StoreError::NotFound)?;
    let reply = connection
        .prepare_cached("SELECT status, content_type, headers, body, digest FROM replies WHERE seq = ?1")?
        .query_row([seq], |row| {
            let reply = Reply {
                status: row.get(0)?,
                content_type: row.get(1)?,
                headers: rows::json(row, 2)?,
                body: Default::default(),
            };
            Ok((reply, StoredBody::from_columns(row.get(3)?, row.get(4)?)))
        })
        .optional()?;
    Ok(reply)
}
