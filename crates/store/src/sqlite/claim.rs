//! Claim and renew, and what is due.

use rusqlite::{Connection, OptionalExtension, params};
use tidemill_core::{
    Timestamp,
    id::Generation,
    invocation::{Invocation, Status},
    name::FunctionRef,
    ports::{Claim, LeaseRef},
};

use super::{
    bodies::StoredBody,
    rows,
    transaction::{Failure, Outcome, Transaction, prepare},
};

/// A claimed invocation and where its body lies.
pub(super) type ClaimedRow = (Invocation, StoredBody);

/// Takes the oldest available ones under leases.
pub(super) fn claim(transaction: &mut Transaction<'_>, claim: &Claim) -> Outcome<Vec<ClaimedRow>> {
    let function_id = match transaction.function_id(&claim.function) {
        Ok(id) => id,
        // Deleted meanwhile: there is no work.
        Err(Failure::Refused(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut rows = ready(transaction, function_id, claim)?;
    let mut lease = transaction.prepare(
        "UPDATE invocations SET status = 1, generation = generation + 1, attempts = attempts + 1, started_at = ?2,
                                lease_owner = ?3, lease_until = ?4
         WHERE seq = ?1",
    )?;
    for (seq, (invocation, _)) in &mut rows {
        lease.execute(params![*seq, claim.now.micros(), claim.owner, claim.lease_until.micros()])?;
        invocation.status = Status::Running;
        invocation.generation = Generation(invocation.generation.0 + 1);
        invocation.attempts += 1;
        invocation.started_at = Some(claim.now);
    }
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn ready(transaction: &Transaction<'_>, function_id: i64, claim: &Claim) -> rusqlite::Result<Vec<(i64, ClaimedRow)>> {
    transaction
        .prepare(concat!(
            "SELECT ",
            rows::invocation_columns!(),
            ", i.seq, e.body, e.digest FROM invocations i JOIN events e ON e.seq = i.seq
             WHERE i.function_id = ?1 AND i.status = 0 AND i.blocked = 0 AND i.available_at <= ?2
             ORDER BY i.available_at, i.seq LIMIT ?3"
        ))?
        .query_map(params![function_id, claim.now.micros(), claim.limit], |row| {
            let invocation = rows::invocation(row, claim.function.clone())?;
            let at = rows::INVOCATION_COLUMN_COUNT;
            Ok((row.get(at)?, (invocation, StoredBody::from_columns(row.get(at + 1)?, row.get(at + 2)?))))
        })?
        .collect()
}

/// Extends the leases that are still held. Returns the others.
pub(super) fn renew(transaction: &mut Transaction<'_>, intent: &(Vec<LeaseRef>, Timestamp)) -> Outcome<Vec<LeaseRef>> {
    let (leases, until) = intent;
    let mut extend = transaction.prepare(
        "UPDATE invocations SET lease_until = ?3
         WHERE id = ?1 AND generation = ?2 AND status = 1 AND cancel_requested = 0",
    )?;
    let mut lost = Vec::new();
    for lease in leases {
        if extend.execute(params![lease.id.0.as_bytes(), lease.generation.0, until.micros()])? == 0 {
            lost.push(*lease);
        }
    }
    Ok(lost)
}

/// The functions with available work, and when the next of the others becomes available. A skip scan: one step in the
/// index for each function that has anything queued.
pub(super) fn due(connection: &Connection, now: Timestamp) -> Outcome<(Vec<FunctionRef>, Option<Timestamp>)> {
    let mut next_function = prepare(
        connection,
        "SELECT function_id, available_at FROM invocations
         WHERE status = 0 AND blocked = 0 AND function_id > ?1 ORDER BY function_id, available_at LIMIT 1",
    )?;
    let mut later = prepare(
        connection,
        "SELECT available_at FROM invocations
         WHERE status = 0 AND blocked = 0 AND function_id = ?1 AND available_at > ?2 ORDER BY available_at LIMIT 1",
    )?;
    let mut name = prepare(connection, "SELECT project, name FROM functions WHERE id = ?1")?;
    let mut functions = Vec::new();
    let mut next: Option<Timestamp> = None;
    let mut at = 0i64;
    while let Some((function_id, first)) =
        next_function.query_row([at], |row| Ok((row.get::<_, i64>(0)?, rows::time(row, 1)?))).optional()?
    {
        at = function_id;
        if first <= now {
            functions.push(name.query_row([function_id], |row| rows::function(row, 0))?);
        }
        let waits = later.query_row(params![function_id, now.micros()], |row| rows::time(row, 0)).optional()?;
        next = [next, waits].into_iter().flatten().min();
    }
    functions.sort();
    Ok((functions, next))
}
