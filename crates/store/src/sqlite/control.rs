//! What people do to invocations: cancel, retry, redrive, purge. And keeping the line of each key.

use rusqlite::{OptionalExtension, params};
use tidemill_core::{
    Timestamp,
    id::InvocationId,
    invocation::Status,
    name::FunctionRef,
    ports::{CancelResult, RedriveFilter, StoreError},
};

use super::{
    rows::{self, micros},
    settle::delete_reply,
    submit::last_in_line,
    transaction::{Outcome, Transaction},
};
use crate::rules;

/// Frees the first in line of a key. Tells whether that changed anything.
pub(super) fn unblock(transaction: &Transaction<'_>, function_id: i64, key: &str) -> rusqlite::Result<bool> {
    let first: Option<(i64, bool)> = transaction
        .prepare(
            "SELECT seq, blocked FROM invocations WHERE function_id = ?1 AND order_key = ?2 AND status < 2
             ORDER BY line LIMIT 1",
        )?
        .query_row(params![function_id, key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match first {
        Some((seq, true)) => {
            transaction.prepare("UPDATE invocations SET blocked = 0 WHERE seq = ?1")?.execute([seq])?;
            Ok(true)
        }
        Some((_, false)) | None => Ok(false),
    }
}

/// Cancels what waits, marks what runs.
pub(super) fn cancel(transaction: &mut Transaction<'_>, intent: &(InvocationId, Timestamp)) -> Outcome<CancelResult> {
    let (id, now) = *intent;
    let found = transaction
        .prepare(
            "SELECT seq, status, function_id, order_key, received_at, received_us, queued_us, cold_start_us,
                    user_code_us, transfer_us, commit_us
             FROM invocations WHERE id = ?1",
        )?
        .query_row([id.0.as_bytes()], |row| {
            let place =
                (row.get::<_, i64>(0)?, rows::status(row, 1)?, row.get::<_, i64>(2)?, row.get::<_, Option<String>>(3)?);
            Ok((place, rows::time(row, 4)?, rows::timings(row, 5)?))
        })
        .optional()?;
    let ((seq, status, function_id, key), received_at, timings) = found.ok_or(StoreError::NotFound)?;
    match status {
        Status::Running => {
            transaction.prepare("UPDATE invocations SET cancel_requested = 1 WHERE seq = ?1")?.execute([seq])?;
            Ok(CancelResult::Requested)
        }
        Status::Queued => {
            let timings = rules::with_rest_queued(timings, received_at, now);
            transaction
                .prepare(
                    "UPDATE invocations SET status = 4, blocked = 0, finished_at = ?2, reason = ?3, queued_us = ?4
                     WHERE seq = ?1",
                )?
                .execute(params![seq, now.micros(), rules::CANCELLED_WAITING, micros(timings.queued_us)])?;
            if let Some(key) = key {
                unblock(transaction, function_id, &key)?;
            }
            Ok(CancelResult::Cancelled)
        }
        Status::Succeeded | Status::Failed | Status::DeadLettered | Status::Cancelled => {
            Err(rules::ended(status).into())
        }
    }
}

/// Queues one that has ended.
pub(super) fn retry(transaction: &mut Transaction<'_>, intent: &(InvocationId, Timestamp)) -> Outcome<FunctionRef> {
    let (id, now) = *intent;
    let found = transaction
        .prepare(
            "SELECT i.seq, i.status, e.body IS NOT NULL OR e.digest IS NOT NULL, f.project, f.name, i.function_id, i.order_key
             FROM invocations i JOIN events e ON e.seq = i.seq JOIN functions f ON f.id = i.function_id WHERE i.id = ?1",
        )?
        .query_row([id.0.as_bytes()], |row| {
            let ended = Ended { seq: row.get(0)?, key: row.get(6)? };
            Ok((ended, rows::status(row, 1)?, row.get(2)?, rows::function(row, 3)?, row.get(5)?))
        })
        .optional()?;
    let (ended, status, event_kept, function, function_id) = found.ok_or(StoreError::NotFound)?;
    rules::check_retry(status, event_kept)?;
    requeue(transaction, function_id, &ended, now)?;
    Ok(function)
}

struct Ended {
    seq: i64,
    key: Option<String>,
}

/// Queues one that has ended, at the end of its key's line.
fn requeue(transaction: &mut Transaction<'_>, function_id: i64, ended: &Ended, now: Timestamp) -> rusqlite::Result<()> {
    let last = match &ended.key {
        Some(key) => last_in_line(transaction, function_id, key)?,
        None => None,
    };
    let line = ended.key.as_ref().map(|_| last.map_or(1, |line| line + 1));
    transaction
        .prepare(
            "UPDATE invocations SET status = 0, blocked = ?2, line = ?3, cancel_requested = 0, failures = 0,
                    interruptions = 0, available_at = ?4, finished_at = NULL, outcome = NULL, reason = '',
                    response_status = NULL
             WHERE seq = ?1",
        )?
        .execute(params![ended.seq, last.is_some(), line, now.micros()])?;
    delete_reply(transaction, ended.seq)
}

/// Queues dead-lettered ones.
pub(super) fn redrive(transaction: &mut Transaction<'_>, intent: &(RedriveFilter, Timestamp)) -> Outcome<u64> {
    let (filter, now) = intent;
    let function_id = transaction.function_id(&filter.function)?;
    let dead = chosen(
        transaction,
        "SELECT seq, order_key FROM invocations WHERE function_id = ?1 AND status = 5 ORDER BY seq LIMIT ?2",
        function_id,
        filter.limit,
    )?;
    for ended in &dead {
        requeue(transaction, function_id, ended, *now)?;
    }
    Ok(dead.len() as u64)
}

/// Deletes dead-lettered or waiting ones.
pub(super) fn purge(transaction: &mut Transaction<'_>, intent: &(RedriveFilter, bool)) -> Outcome<u64> {
    let (filter, queued) = intent;
    let function_id = transaction.function_id(&filter.function)?;
    let sql = if *queued {
        "SELECT seq, order_key FROM invocations WHERE function_id = ?1 AND status = 0 ORDER BY seq LIMIT ?2"
    } else {
        "SELECT seq, order_key FROM invocations WHERE function_id = ?1 AND status = 5 ORDER BY seq LIMIT ?2"
    };
    let unwanted = chosen(transaction, sql, function_id, filter.limit)?;
    for invocation in &unwanted {
        delete(transaction, invocation.seq)?;
        if let Some(key) = invocation.key.as_ref().filter(|_| *queued) {
            unblock(transaction, function_id, key)?;
        }
    }
    Ok(unwanted.len() as u64)
}

fn chosen(
    transaction: &Transaction<'_>,
    sql: &'static str,
    function_id: i64,
    limit: u32,
) -> rusqlite::Result<Vec<Ended>> {
    transaction
        .prepare(sql)?
        .query_map(params![function_id, limit], |row| Ok(Ended { seq: row.get(0)?, key: row.get(1)? }))?
        .collect()
}

/// Deletes an invocation with all that belongs to it.
pub(super) fn delete(transaction: &mut Transaction<'_>, seq: i64) -> rusqlite::Result<()> {
    transaction.may_release_blobs = true;
    transaction.prepare("DELETE FROM invocations WHERE seq = ?1")?.execute([seq])?;
    Ok(())
}
