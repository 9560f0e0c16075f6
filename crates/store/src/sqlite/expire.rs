//! Expire: leases that ran out.

use rusqlite::params;
use tidemill_core::{
    Timestamp,
    invocation::{Attempt, AttemptOutcome, Status, Timings},
    name::FunctionRef,
};

use super::{
    control::unblock,
    rows::{self, micros, status_code},
    settle::insert_attempt,
    transaction::{Outcome, Transaction},
};
use crate::rules;

/// Which leases to end.
pub(super) struct Expiry {
    pub(super) now: Timestamp,
    pub(super) only_owner: Option<String>,
    pub(super) interruptions_max: u32,
}

struct Lost {
    seq: i64,
    function_id: i64,
    function: FunctionRef,
    key: Option<String>,
    cancel_requested: bool,
    interruptions: u32,
    attempt: Attempt,
    received_at: Timestamp,
    timings: Timings,
}

/// Ends leases; returns the functions that have work because of it.
pub(super) fn expire(transaction: &mut Transaction<'_>, expiry: &Expiry) -> Outcome<Vec<FunctionRef>> {
    let mut functions = Vec::new();
    for lost in lost(transaction, expiry)? {
        if end(transaction, expiry, &lost)? {
            functions.push(lost.function);
        }
    }
    functions.sort();
    functions.dedup();
    Ok(functions)
}

fn lost(transaction: &Transaction<'_>, expiry: &Expiry) -> rusqlite::Result<Vec<Lost>> {
    // The index holds the running ones only, which are few; without the hint the planner reads the whole table.
    let mut lost: Vec<Lost> = transaction
        .prepare(
            "SELECT i.seq, i.function_id, f.project, f.name, i.order_key, i.cancel_requested, i.interruptions, i.attempts,
                    i.started_at, i.received_at, i.received_us, i.queued_us, i.cold_start_us, i.user_code_us,
                    i.transfer_us, i.commit_us
             FROM invocations i INDEXED BY invocations_running JOIN functions f ON f.id = i.function_id
             WHERE i.status = 1 AND (i.lease_until <= ?1 OR i.lease_owner <> ?2)",
        )?
        .query_map(params![expiry.now.micros(), expiry.only_owner], |row| {
            Ok(Lost {
                seq: row.get(0)?,
                function_id: row.get(1)?,
                function: rows::function(row, 2)?,
                key: row.get(4)?,
                cancel_requested: row.get(5)?,
                interruptions: row.get::<_, u32>(6)?.saturating_add(1),
                attempt: Attempt {
                    number: row.get(7)?,
                    revision: None,
                    worker: String::new(),
                    started_at: rows::time_option(row, 8)?.unwrap_or(expiry.now),
                    finished_at: expiry.now,
                    outcome: AttemptOutcome::Interrupted,
                    reason: rules::LEASE_LOST.to_owned(),
                    report: None,
                },
                received_at: rows::time(row, 9)?,
                timings: rows::timings(row, 10)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    lost.sort_by_key(|lost| lost.seq);
    Ok(lost)
}

/// Ends one lease. Tells whether its function has work because of it.
fn end(transaction: &mut Transaction<'_>, expiry: &Expiry, lost: &Lost) -> Outcome<bool> {
    let status = rules::expired_status(lost.cancel_requested, lost.interruptions, expiry.interruptions_max);
    let is_final = status.is_final();
    let timings =
        if is_final { rules::with_rest_queued(lost.timings, lost.received_at, expiry.now) } else { lost.timings };
    transaction
        .prepare(
            "UPDATE invocations SET status = ?2, interruptions = ?3, available_at = iif(?4, available_at, ?5),
                    finished_at = iif(?4, ?5, NULL), outcome = ?6, reason = ?7, queued_us = ?8, lease_owner = NULL,
                    lease_until = NULL
             WHERE seq = ?1",
        )?
        .execute(params![
            lost.seq,
            status_code(status),
            lost.interruptions,
            is_final,
            expiry.now.micros(),
            lost.attempt.outcome.as_str(),
            lost.attempt.reason,
            micros(timings.queued_us),
        ])?;
    insert_attempt(transaction, lost.seq, &lost.attempt, None)?;
    let unblocked = match &lost.key {
        Some(key) if is_final => unblock(transaction, lost.function_id, key)?,
        _ => false,
    };
    Ok(unblocked || status == Status::Queued)
}
