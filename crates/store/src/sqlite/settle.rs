//! Settle: the end of an attempt with all that follows from it, in one transaction.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};
use tidemill_core::{
    invocation::{Attempt, LogLine, Reply, Status},
    ports::{Settled, Settlement, StoreError},
};

use super::{
    bodies::{self, Body},
    control::unblock,
    logs, results,
    rows::{self, micros, status_code, to_json},
    states,
    submit::{self, Prepared},
    transaction::{Outcome, Transaction},
};
use crate::{blobs::DirBlobs, rules};

/// A response ready to be stored.
pub(super) struct PreparedReply {
    status: u16,
    content_type: String,
    headers: String,
    body: Body,
}

/// Does what needs no transaction.
pub(super) async fn prepare_reply(blobs: &Arc<DirBlobs>, reply: Reply) -> Result<PreparedReply, StoreError> {
    Ok(PreparedReply {
        status: reply.status,
        content_type: reply.content_type,
        headers: to_json(&reply.headers)?,
        body: bodies::keep(blobs, reply.body).await?,
    })
}

/// A settlement ready to be carried out: `settlement` without reply, logs, emits, state and results, which are apart.
pub(super) struct PreparedSettlement {
    settlement: Settlement,
    final_state: Option<String>,
    reply: Option<PreparedReply>,
    logs: Vec<(LogLine, Option<String>)>,
    emits: Vec<Prepared>,
    state: Option<Body>,
    results: Vec<Body>,
}

/// Does what needs no transaction.
pub(super) async fn prepare(
    blobs: &Arc<DirBlobs>,
    mut settlement: Settlement,
) -> Result<PreparedSettlement, StoreError> {
    let reply = match settlement.reply.take() {
        Some(reply) => Some(prepare_reply(blobs, reply).await?),
        None => None,
    };
    let logs = logs::prepare(std::mem::take(&mut settlement.logs))?;
    let emits = submit::prepare(blobs, std::mem::take(&mut settlement.emits)).await?;
    let state = match settlement.state.take() {
        Some(state) => Some(bodies::keep(blobs, state).await?),
        None => None,
    };
    let mut results = Vec::with_capacity(settlement.results.len());
    for result in std::mem::take(&mut settlement.results) {
        results.push(bodies::keep(blobs, result).await?);
    }
    let final_state = final_state(&settlement.attempt)?;
    Ok(PreparedSettlement { settlement, final_state, reply, logs, emits, state, results })
}

/// The JSON of the container engine's description of an attempt's end.
pub(super) fn final_state(attempt: &Attempt) -> Result<Option<String>, StoreError> {
    let state = attempt.report.as_ref().map(|report| &report.final_state);
    state.filter(|state| !state.is_null()).map(to_json).transpose()
}

struct Held {
    seq: i64,
    function_id: i64,
    key: Option<String>,
    cancel_requested: bool,
    had_reply: bool,
    received_at: tidemill_core::Timestamp,
}

/// Carries out a settlement.
pub(super) fn settle(transaction: &mut Transaction<'_>, prepared: &PreparedSettlement) -> Outcome<Settled> {
    let settlement = &prepared.settlement;
    let held = held(transaction, settlement)?;
    let status = rules::settled_status(settlement.status, held.cancel_requested)?;
    submit::check(transaction, &prepared.emits)?;

    update(transaction, prepared, &held, status)?;
    insert_attempt(transaction, held.seq, &settlement.attempt, prepared.final_state.as_deref())?;
    if held.had_reply {
        delete_reply(transaction, held.seq)?;
    }
    if let Some(reply) = &prepared.reply {
        insert_reply(transaction, held.seq, reply)?;
    }
    logs::insert(transaction, held.seq, held.function_id, settlement.attempt.number, &prepared.logs)?;
    if let Some(state) = &prepared.state {
        let now = transaction.now();
        states::store(transaction, held.function_id, held.key.as_deref().unwrap_or_default(), state, now)?;
    }
    results::insert(transaction, held.seq, &prepared.results)?;
    let unblocked = match &held.key {
        Some(key) if status.is_final() => unblock(transaction, held.function_id, key)?,
        _ => false,
    };
    let emits = submit::insert_all(transaction, &prepared.emits)?;
    Ok(Settled { unblocked, emits })
}

fn held(transaction: &Transaction<'_>, settlement: &Settlement) -> Outcome<Held> {
    let held = transaction
        .prepare(
            "SELECT seq, function_id, order_key, cancel_requested, response_status IS NOT NULL, received_at
             FROM invocations WHERE id = ?1 AND generation = ?2 AND status = 1",
        )?
        .query_row(params![settlement.lease.id.0.as_bytes(), settlement.lease.generation.0], |row| {
            Ok(Held {
                seq: row.get(0)?,
                function_id: row.get(1)?,
                key: row.get(2)?,
                cancel_requested: row.get(3)?,
                had_reply: row.get(4)?,
                received_at: rows::time(row, 5)?,
            })
        })
        .optional()?;
    Ok(held.ok_or(StoreError::Stale)?)
}

fn update(transaction: &Transaction<'_>, prepared: &PreparedSettlement, held: &Held, status: Status) -> Outcome<()> {
    let settlement = &prepared.settlement;
    let attempt = &settlement.attempt;
    let now = transaction.now();
    let mut timings = rules::with_commit(settlement.timings, attempt.finished_at, now);
    if status.is_final() {
        timings = rules::with_rest_queued(timings, held.received_at, now);
    }
    transaction
        .prepare(
            "UPDATE invocations SET status = ?2, available_at = ?3, failures = ?4, interruptions = ?5, outcome = ?6,
                    reason = ?7, response_status = ?8, finished_at = ?9, lease_owner = NULL, lease_until = NULL,
                    received_us = ?10, queued_us = ?11, cold_start_us = ?12, user_code_us = ?13, transfer_us = ?14,
                    commit_us = ?15
             WHERE seq = ?1",
        )?
        .execute(params![
            held.seq,
            status_code(status),
            settlement.available_at.micros(),
            settlement.failures,
            settlement.interruptions,
            attempt.outcome.as_str(),
            attempt.reason,
            prepared.reply.as_ref().map(|reply| reply.status),
            status.is_final().then_some(now.micros()),
            micros(timings.received_us),
            micros(timings.queued_us),
            micros(timings.cold_start_us),
            micros(timings.user_code_us),
            micros(timings.transfer_us),
            micros(timings.commit_us),
        ])?;
    Ok(())
}

/// Stores an attempt that has ended.
pub(super) fn insert_attempt(
    transaction: &Transaction<'_>,
    seq: i64,
    attempt: &Attempt,
    final_state: Option<&str>,
) -> rusqlite::Result<()> {
    let report = attempt.report.as_ref();
    transaction
        .prepare(
            "INSERT OR REPLACE INTO attempts (seq, number, revision, worker, started_at, finished_at, outcome, reason,
                    run_us, exit_code, cpu_ns, io_bytes, memory_bytes_max, final_state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            seq,
            attempt.number,
            attempt.revision.map(|revision| revision.0),
            attempt.worker,
            attempt.started_at.micros(),
            attempt.finished_at.micros(),
            attempt.outcome.as_str(),
            attempt.reason,
            report.map(|report| micros(report.run_us)),
            report.and_then(|report| report.exit_code),
            report.map(|report| micros(report.cpu_ns)),
            report.map(|report| micros(report.io_bytes)),
            report.map(|report| micros(report.memory_bytes_max)),
            final_state,
        ])?;
    Ok(())
}

/// Stores a response where there is none.
pub(super) fn insert_reply(transaction: &Transaction<'_>, seq: i64, reply: &PreparedReply) -> rusqlite::Result<()> {
    transaction
        .prepare(
            "INSERT INTO replies (seq, status, content_type, headers, body, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![seq, reply.status, reply.content_type, reply.headers, reply.body, reply.body.digest()])?;
    reply.body.count(transaction)
}

/// Forgets a response. Deleted rather than replaced, so that its blob is released.
pub(super) fn delete_reply(transaction: &mut Transaction<'_>, seq: i64) -> rusqlite::Result<()> {
    transaction.may_release_blobs = true;
    transaction.prepare("DELETE FROM replies WHERE seq = ?1")?.execute([seq])?;
    Ok(())
}
