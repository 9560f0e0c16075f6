//! Durable state of functions.

use rusqlite::{Connection, OptionalExtension, params};
use tidemill_core::{
    Timestamp,
    name::FunctionRef,
    ports::{Page, StateRecord},
};

use super::{
    bodies::{Body, StoredBody},
    functions, rows,
    transaction::{Outcome, Transaction, prepare},
};
use crate::rules;

/// Stores the state of a line; returns its version.
pub(super) fn store(
    transaction: &mut Transaction<'_>,
    function_id: i64,
    key: &str,
    value: &Body,
    now: Timestamp,
) -> rusqlite::Result<u64> {
    // The former value may lie in a blob.
    transaction.may_release_blobs = true;
    value.count(transaction)?;
    transaction
        .prepare(
            "INSERT INTO states (function_id, key, value, digest, version, updated_at)
             VALUES (?1, ?2, ?3, ?4, (SELECT value + 1 FROM meta WHERE name = 'state_floor'), ?5)
             ON CONFLICT (function_id, key) DO UPDATE SET value = excluded.value, digest = excluded.digest,
                    version = version + 1, updated_at = excluded.updated_at
             RETURNING version",
        )?
        .query_row(params![function_id, key, value, value.digest(), now.micros()], |row| rows::count(row, 0))
}

/// A state to be put.
pub(super) struct Put {
    pub(super) function: FunctionRef,
    pub(super) key: String,
    /// `None` deletes it.
    pub(super) value: Option<Body>,
    pub(super) expected: Option<u64>,
    pub(super) now: Timestamp,
}

/// Replaces or deletes the state of a line if it has the expected version. Returns its new version.
pub(super) fn put(transaction: &mut Transaction<'_>, put: &Put) -> Outcome<u64> {
    let function_id = transaction.function_id(&put.function)?;
    check_version(transaction.connection, function_id, &put.key, put.expected)?;
    if let Some(value) = &put.value {
        return Ok(store(transaction, function_id, &put.key, value, put.now)?);
    }
    transaction.may_release_blobs = true;
    transaction
        .prepare("DELETE FROM states WHERE function_id = ?1 AND key = ?2")?
        .execute(params![function_id, put.key])?;
    Ok(0)
}

/// Refuses early what [`put`] would refuse, so that a large value is not written in vain.
pub(super) fn check(connection: &Connection, function: &FunctionRef, key: &str, expected: Option<u64>) -> Outcome<()> {
    check_version(connection, functions::id(connection, function)?, key, expected)
}

fn check_version(connection: &Connection, function_id: i64, key: &str, expected: Option<u64>) -> Outcome<()> {
    let Some(expected) = expected else { return Ok(()) };
    let found = prepare(connection, "SELECT version FROM states WHERE function_id = ?1 AND key = ?2")?
        .query_row(params![function_id, key], |row| rows::count(row, 0))
        .optional()?;
    Ok(rules::check_state_version(found.unwrap_or(0), expected)?)
}

/// The state of a line without its value, and where that lies.
pub(super) fn one(
    connection: &Connection,
    function: &FunctionRef,
    key: &str,
) -> Outcome<Option<(StateRecord, StoredBody)>> {
    let function_id = functions::id(connection, function)?;
    let found = connection
        .prepare_cached(
            "SELECT key, version, updated_at, value, digest FROM states WHERE function_id = ?1 AND key = ?2",
        )?
        .query_row(params![function_id, key], |row| {
            Ok((record(row)?, StoredBody::from_columns(row.get(3)?, row.get(4)?)))
        })
        .optional()?;
    Ok(found)
}

/// The states of a function by key, without their values.
pub(super) fn list(
    connection: &Connection,
    function: &FunctionRef,
    after: Option<&str>,
    limit: u32,
) -> Outcome<Page<StateRecord>> {
    let function_id = functions::id(connection, function)?;
    let mut items: Vec<StateRecord> = connection
        .prepare_cached(
            "SELECT key, version, updated_at FROM states WHERE function_id = ?1 AND (?2 IS NULL OR key > ?2)
             ORDER BY key LIMIT ?3",
        )?
        .query_map(params![function_id, after, i64::from(limit) + 1], record)?
        .collect::<Result<_, _>>()?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    Ok(Page { items, more })
}

fn record(row: &rusqlite::Row<'_>) -> rusqlite::Result<StateRecord> {
    Ok(StateRecord {
        key: row.get(0)?,
        value: Default::default(),
        version: rows::count(row, 1)?,
        updated_at: rows::time(row, 2)?,
    })
}
