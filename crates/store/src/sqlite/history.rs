//! The history of synchronous calls.

use std::sync::Arc;

use rusqlite::params;
use tidemill_core::{
    invocation::{Attempt, Invocation, LogLine},
    ports::{HistoryRecord, StoreError},
};

use super::{
    bodies::{self, Body},
    logs,
    rows::{micros, status_code, to_json},
    settle::{PreparedReply, final_state, insert_attempt, insert_reply, prepare_reply},
    submit::insert_event,
    transaction::{Failure, Outcome, Transaction},
};
use crate::{blobs::DirBlobs, rules};

/// A record ready to be stored.
pub(super) struct PreparedRecord {
    invocation: Invocation,
    envelope: String,
    body: Body,
    attempt: Attempt,
    final_state: Option<String>,
    reply: Option<PreparedReply>,
    logs: Vec<(LogLine, Option<String>)>,
}

/// Does what needs no transaction.
pub(super) async fn prepare(blobs: &Arc<DirBlobs>, record: HistoryRecord) -> Result<PreparedRecord, StoreError> {
    let mut invocation = record.invocation;
    rules::check_history(&invocation)?;
    invocation.finished_at.get_or_insert(record.attempt.finished_at);
    let body = std::mem::take(&mut invocation.event.body);
    let is_kept = body.len() as u64 == invocation.event_size;
    Ok(PreparedRecord {
        envelope: to_json(&invocation.event)?,
        body: if is_kept { bodies::keep(blobs, body).await? } else { Body::Absent },
        final_state: final_state(&record.attempt)?,
        attempt: record.attempt,
        reply: match record.reply {
            Some(reply) => Some(prepare_reply(blobs, reply).await?),
            None => None,
        },
        logs: logs::prepare(record.logs)?,
        invocation,
    })
}

/// What one caller records.
pub(super) struct Records(pub(super) Vec<PreparedRecord>);

/// Stores records. Those of unknown functions, and those that are there already, are dropped.
pub(super) fn record(transaction: &mut Transaction<'_>, records: &Records) -> Outcome<()> {
    for record in &records.0 {
        let function_id = match transaction.function_id(&record.invocation.function) {
            Ok(id) => id,
            Err(Failure::Refused(_)) => continue,
            Err(error) => return Err(error),
        };
        if !insert_invocation(transaction, function_id, record)? {
            continue;
        }
        let seq = transaction.connection.last_insert_rowid();
        insert_event(transaction, seq, &record.envelope, &record.body)?;
        insert_attempt(transaction, seq, &record.attempt, record.final_state.as_deref())?;
        if let Some(reply) = &record.reply {
            insert_reply(transaction, seq, reply)?;
        }
        logs::insert(transaction, seq, function_id, record.attempt.number, &record.logs)?;
    }
    Ok(())
}

fn insert_invocation(
    transaction: &Transaction<'_>,
    function_id: i64,
    record: &PreparedRecord,
) -> rusqlite::Result<bool> {
    let invocation = &record.invocation;
    let timings = &invocation.timings;
    let inserted = transaction
        .prepare(
            "INSERT INTO invocations (id, function_id, status, order_key, idempotency_key, parent, event_size, attempts,
                    failures, interruptions, generation, received_at, available_at, started_at, finished_at, outcome,
                    reason, response_status, received_us, queued_us, cold_start_us, user_code_us, transfer_us, commit_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                     ?23, ?24)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            invocation.id.0.as_bytes(),
            function_id,
            status_code(invocation.status),
            invocation.key,
            invocation.idempotency_key,
            invocation.parent.as_ref().map(|parent| parent.0.as_bytes()),
            micros(invocation.event_size),
            invocation.attempts,
            invocation.failures,
            invocation.interruptions,
            invocation.generation.0,
            invocation.received_at.micros(),
            invocation.available_at.micros(),
            invocation.started_at.map(|at| at.micros()),
            invocation.finished_at.map(|at| at.micros()),
            invocation.outcome.map(|outcome| outcome.as_str()),
            invocation.reason,
            invocation.response_status,
            micros(timings.received_us),
            micros(timings.queued_us),
            micros(timings.cold_start_us),
            micros(timings.user_code_us),
            micros(timings.transfer_us),
            micros(timings.commit_us),
        ])?;
    Ok(inserted == 1)
}
