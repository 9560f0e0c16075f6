//! Functions and their revisions.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidemill_core::{
    Timestamp,
    function::{FunctionRecord, FunctionState, RevisionRecord},
    id::{Digest, RevisionNumber},
    name::FunctionRef,
    ports::StoreError,
};

use super::{
    rows,
    transaction::{Failure, Outcome, Transaction},
};
use crate::rules;

/// A revision with its spec as JSON.
pub(super) struct PreparedRevision {
    pub(super) revision: RevisionRecord,
    pub(super) spec: String,
    pub(super) desired: FunctionState,
}

/// Stores a revision and makes it the active one.
pub(super) fn put_revision(transaction: &mut Transaction<'_>, intent: &PreparedRevision) -> Outcome<FunctionRecord> {
    let revision = &intent.revision;
    let known = match transaction.function_id(&revision.function) {
        Ok(id) => Some(id),
        Err(Failure::Refused(_)) => None,
        Err(error) => return Err(error),
    };
    let newest: u32 = transaction
        .prepare("SELECT coalesce(max(number), 0) FROM revisions WHERE function_id = ?1")?
        .query_row([known.unwrap_or(0)], |row| row.get(0))?;
    if revision.number.0 != newest + 1 {
        return Err(rules::out_of_turn(newest, revision.number.0).into());
    }
    transaction
        .prepare(
            "INSERT INTO functions (project, name, active, desired, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
             ON CONFLICT (project, name) DO UPDATE SET active = ?3, desired = ?4, updated_at = ?5",
        )?
        .execute(params![
            revision.function.project.as_str(),
            revision.function.name.as_str(),
            revision.number.0,
            intent.desired.as_str(),
            revision.created_at.micros(),
        ])?;
    let function_id = transaction.function_id(&revision.function)?;
    transaction
        .prepare("INSERT INTO revisions (function_id, number, spec, package, created_at) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            function_id,
            revision.number.0,
            intent.spec,
            revision.package.as_str(),
            revision.created_at.micros(),
        ])?;
    function(transaction, function_id)
}

/// Changes the active revision.
pub(super) fn activate(
    transaction: &mut Transaction<'_>,
    intent: &(FunctionRef, RevisionNumber, Timestamp),
) -> Outcome<FunctionRecord> {
    let (name, revision, now) = intent;
    let function_id = transaction.function_id(name)?;
    let updated = transaction
        .prepare(
            "UPDATE functions SET active = ?2, updated_at = ?3
             WHERE id = ?1 AND EXISTS (SELECT 1 FROM revisions WHERE function_id = ?1 AND number = ?2)",
        )?
        .execute(params![function_id, revision.0, now.micros()])?;
    if updated == 0 {
        return Err(StoreError::NotFound.into());
    }
    function(transaction, function_id)
}

/// Changes the desired state.
pub(super) fn set_desired(
    transaction: &mut Transaction<'_>,
    intent: &(FunctionRef, FunctionState, Timestamp),
) -> Outcome<FunctionRecord> {
    let (name, desired, now) = intent;
    let function_id = transaction.function_id(name)?;
    transaction.prepare("UPDATE functions SET desired = ?2, updated_at = ?3 WHERE id = ?1")?.execute(params![
        function_id,
        desired.as_str(),
        now.micros()
    ])?;
    function(transaction, function_id)
}

/// Deletes a function with all that belongs to it.
pub(super) fn delete(transaction: &mut Transaction<'_>, name: &FunctionRef) -> Outcome<()> {
    let function_id = transaction.function_id(name)?;
    transaction.may_release_blobs = true;
    // Foreign keys take the rest along.
    transaction.prepare("DELETE FROM functions WHERE id = ?1")?.execute([function_id])?;
    transaction.function_ids.remove(name);
    Ok(())
}

fn function(transaction: &Transaction<'_>, function_id: i64) -> Outcome<FunctionRecord> {
    Ok(transaction
        .prepare("SELECT project, name, active, desired, created_at, updated_at FROM functions WHERE id = ?1")?
        .query_row([function_id], record)?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<FunctionRecord> {
    Ok(FunctionRecord {
        function: rows::function(row, 0)?,
        active: RevisionNumber(row.get(2)?),
        desired: rows::desired(row, 3)?,
        created_at: rows::time(row, 4)?,
        updated_at: rows::time(row, 5)?,
    })
}

/// All functions, by name.
pub(super) fn all(connection: &Connection) -> Outcome<Vec<FunctionRecord>> {
    let records = connection
        .prepare_cached(
            "SELECT project, name, active, desired, created_at, updated_at FROM functions ORDER BY project, name",
        )?
        .query_map([], record)?
        .collect::<Result<_, _>>()?;
    Ok(records)
}

/// The revisions of a function, newest first.
pub(super) fn revisions(connection: &Connection, name: &FunctionRef) -> Outcome<Vec<RevisionRecord>> {
    let function_id = id(connection, name)?;
    let records = connection
        .prepare_cached(
            "SELECT number, spec, package, created_at FROM revisions WHERE function_id = ?1 ORDER BY number DESC",
        )?
        .query_map([function_id], |row| {
            Ok(RevisionRecord {
                function: name.clone(),
                number: RevisionNumber(row.get(0)?),
                spec: rows::json(row, 1)?,
                package: rows::parsed::<Digest>(row, 2)?,
                created_at: rows::time(row, 3)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(records)
}

/// The row number of a function, for readers.
pub(super) fn id(connection: &Connection, name: &FunctionRef) -> Outcome<i64> {
    let id = connection
        .prepare_cached("SELECT id FROM functions WHERE project = ?1 AND name = ?2")?
        .query_row(params![name.project.as_str(), name.name.as_str()], |row| row.get(0))
        .optional()?;
    Ok(id.ok_or(StoreError::NotFound)?)
}
