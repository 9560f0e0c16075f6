//! Submit: events become queued, or at once leased, invocations.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};
use tidemill_core::{
    id::InvocationId,
    invocation::Status,
    ports::{Accepted, NewInvocation, StoreError, Submitted},
};
use uuid::Uuid;

use super::{
    bodies::{self, Body},
    rows::{micros, status_code, to_json},
    transaction::{Outcome, Transaction},
};
use crate::blobs::DirBlobs;

/// An invocation whose event is ready to be stored.
pub(super) struct Prepared {
    new: NewInvocation,
    envelope: String,
    event_size: i64,
    body: Body,
}

/// Does what needs no transaction: the envelope's JSON, large bodies to disk.
pub(super) async fn prepare(
    blobs: &Arc<DirBlobs>,
    invocations: Vec<NewInvocation>,
) -> Result<Vec<Prepared>, StoreError> {
    let mut prepared = Vec::with_capacity(invocations.len());
    for mut new in invocations {
        let envelope = to_json(&new.event)?;
        let body = std::mem::take(&mut new.event.body);
        let event_size = micros(body.len() as u64);
        let body = bodies::keep(blobs, body).await?;
        prepared.push(Prepared { new, envelope, event_size, body });
    }
    Ok(prepared)
}

/// Refuses events for functions that do not exist, before anything is written.
pub(super) fn check(transaction: &mut Transaction<'_>, invocations: &[Prepared]) -> Outcome<()> {
    for prepared in invocations {
        transaction.function_id(&prepared.new.function)?;
    }
    Ok(())
}

/// What one caller submits.
pub(super) struct Submission(pub(super) Vec<Prepared>);

/// Stores all or none.
pub(super) fn submit(transaction: &mut Transaction<'_>, submission: &Submission) -> Outcome<Vec<Submitted>> {
    check(transaction, &submission.0)?;
    insert_all(transaction, &submission.0)
}

/// Stores invocations that were checked.
pub(super) fn insert_all(transaction: &mut Transaction<'_>, invocations: &[Prepared]) -> Outcome<Vec<Submitted>> {
    invocations.iter().map(|prepared| insert(transaction, prepared)).collect()
}

fn insert(transaction: &mut Transaction<'_>, prepared: &Prepared) -> Outcome<Submitted> {
    let new = &prepared.new;
    let function_id = transaction.function_id(&new.function)?;
    let last_in_line = match &new.key {
        None => None,
        Some(key) => last_in_line(transaction, function_id, key)?,
    };
    let blocked = last_in_line.is_some();
    let lease = new.lease.as_ref().filter(|_| !blocked);
    let begun = i64::from(lease.is_some());
    let status = if lease.is_some() { Status::Running } else { Status::Queued };
    let inserted = transaction
        .prepare(
            "INSERT INTO invocations (id, function_id, status, blocked, order_key, line, idempotency_key, parent,
                                      event_size, attempts, generation, received_at, available_at, started_at,
                                      lease_owner, lease_until, received_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            new.id.0.as_bytes(),
            function_id,
            status_code(status),
            blocked,
            new.key,
            new.key.as_ref().map(|_| last_in_line.map_or(1, |line| line + 1)),
            new.idempotency_key,
            new.parent.as_ref().map(|parent| parent.0.as_bytes()),
            prepared.event_size,
            begun,
            new.received_at.micros(),
            new.available_at.micros(),
            lease.map(|_| transaction.now().micros()),
            lease.map(|lease| lease.owner.as_str()),
            lease.map(|lease| lease.until.micros()),
            micros(new.received_us),
        ])?;
    if inserted == 0 {
        return Ok(Submitted::Duplicate(former(transaction, function_id, new)?));
    }
    let seq = transaction.connection.last_insert_rowid();
    insert_event(transaction, seq, &prepared.envelope, &prepared.body)?;
    Ok(Submitted::Accepted(Accepted { id: new.id, leased: lease.is_some() }))
}

/// Stores the part of an invocation that never changes.
pub(super) fn insert_event(
    transaction: &Transaction<'_>,
    seq: i64,
    envelope: &str,
    body: &Body,
) -> rusqlite::Result<()> {
    transaction
        .prepare("INSERT INTO events (seq, envelope, body, digest) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![seq, envelope, body, body.digest()])?;
    body.count(transaction)
}

/// Where the line of a key's unfinished invocations ends. `None` when there are none.
pub(super) fn last_in_line(
    transaction: &Transaction<'_>,
    function_id: i64,
    key: &str,
) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare(
            "SELECT line FROM invocations WHERE function_id = ?1 AND order_key = ?2 AND status < 2
             ORDER BY line DESC LIMIT 1",
        )?
        .query_row(params![function_id, key], |row| row.get(0))
        .optional()
}

/// The invocation that was stored before under the idempotency key or the id.
fn former(transaction: &Transaction<'_>, function_id: i64, new: &NewInvocation) -> Outcome<InvocationId> {
    let found: Option<[u8; 16]> = transaction
        .prepare("SELECT id FROM invocations WHERE function_id = ?1 AND idempotency_key = ?2")?
        .query_row(params![function_id, new.idempotency_key], |row| row.get(0))
        .optional()?;
    Ok(found.map_or(new.id, |bytes| InvocationId(Uuid::from_bytes(bytes))))
}
