//! Results of executions, taken one by one.

use rusqlite::{Connection, OptionalExtension, params};
use tidemill_core::{id::InvocationId, ports::StoreError};

use super::{
    bodies::{Body, StoredBody},
    transaction::{Outcome, Transaction},
};

/// Stores results after those that are there.
pub(super) fn insert(transaction: &Transaction<'_>, seq: i64, results: &[Body]) -> rusqlite::Result<()> {
    if results.is_empty() {
        return Ok(());
    }
    let mut statement = transaction.prepare("INSERT INTO results (seq, body, digest) VALUES (?1, ?2, ?3)")?;
    for result in results {
        statement.execute(params![seq, result, result.digest()])?;
        result.count(transaction)?;
    }
    Ok(())
}

/// The oldest result of an invocation: its position, and where it lies.
pub(super) fn oldest(connection: &Connection, id: InvocationId) -> Outcome<Option<(i64, StoredBody)>> {
    let seq: Option<i64> = connection
        .prepare_cached("SELECT seq FROM invocations WHERE id = ?1")?
        .query_row([id.0.as_bytes()], |row| row.get(0))
        .optional()?;
    let seq = seq.ok_or(StoreError::NotFound)?;
    let found = connection
        .prepare_cached("SELECT position, body, digest FROM results WHERE seq = ?1 ORDER BY position LIMIT 1")?
        .query_row([seq], |row| Ok((row.get(0)?, StoredBody::from_columns(row.get(1)?, row.get(2)?))))
        .optional()?;
    Ok(found)
}

/// Takes a result away. Tells whether it still was there.
pub(super) fn remove(transaction: &mut Transaction<'_>, position: &i64) -> Outcome<bool> {
    transaction.may_release_blobs = true;
    Ok(transaction.prepare("DELETE FROM results WHERE position = ?1")?.execute([position])? == 1)
}
