//! Schedules of cron triggers.

use rusqlite::{Connection, params};
use tidemill_core::{
    name::{FunctionRef, TriggerName},
    ports::{Fire, ScheduleRecord, Submitted},
};

use super::{
    rows,
    submit::{self, Prepared},
    transaction::{Failure, Outcome, Transaction},
};

/// Makes the schedules of a function exactly these; unchanged ones keep their next and last run.
pub(super) fn put(transaction: &mut Transaction<'_>, intent: &(FunctionRef, Vec<ScheduleRecord>)) -> Outcome<()> {
    let (function, schedules) = intent;
    let function_id = transaction.function_id(function)?;
    let known: Vec<(TriggerName, String)> = transaction
        .prepare("SELECT trigger, fingerprint FROM schedules WHERE function_id = ?1")?
        .query_map([function_id], |row| Ok((rows::parsed(row, 0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut forget = transaction.prepare("DELETE FROM schedules WHERE function_id = ?1 AND trigger = ?2")?;
    for (trigger, fingerprint) in &known {
        let stays = |schedule: &ScheduleRecord| schedule.trigger == *trigger && schedule.fingerprint == *fingerprint;
        if !schedules.iter().any(stays) {
            forget.execute(params![function_id, trigger.as_str()])?;
        }
    }
    let mut insert = transaction.prepare(
        "INSERT INTO schedules (function_id, trigger, fingerprint, next_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )?;
    for schedule in schedules {
        insert.execute(params![
            function_id,
            schedule.trigger.as_str(),
            schedule.fingerprint,
            schedule.next_at.micros(),
            schedule.last_at.map(|at| at.micros()),
        ])?;
    }
    Ok(())
}

/// All schedules, the next run first.
pub(super) fn all(connection: &Connection) -> Outcome<Vec<ScheduleRecord>> {
    let records = connection
        .prepare_cached(
            "SELECT f.project, f.name, s.trigger, s.fingerprint, s.next_at, s.last_at
             FROM schedules s JOIN functions f ON f.id = s.function_id
             ORDER BY s.next_at, f.project, f.name, s.trigger",
        )?
        .query_map([], |row| {
            Ok(ScheduleRecord {
                function: rows::function(row, 0)?,
                trigger: rows::parsed(row, 2)?,
                fingerprint: row.get(3)?,
                next_at: rows::time(row, 4)?,
                last_at: rows::time_option(row, 5)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(records)
}

/// A fire whose events are ready to be stored; `fire.invocations` is empty.
pub(super) struct PreparedFire {
    pub(super) fire: Fire,
    pub(super) invocations: Vec<Prepared>,
}

/// Runs a schedule if nobody else did.
pub(super) fn fire(transaction: &mut Transaction<'_>, intent: &PreparedFire) -> Outcome<Option<Vec<Submitted>>> {
    let PreparedFire { fire, invocations } = intent;
    let function_id = match transaction.function_id(&fire.function) {
        Ok(id) => id,
        // Deleted meanwhile, and its schedules with it.
        Err(Failure::Refused(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    submit::check(transaction, invocations)?;
    let fired = transaction
        .prepare(
            "UPDATE schedules SET next_at = ?4, last_at = ?3 WHERE function_id = ?1 AND trigger = ?2 AND next_at = ?3",
        )?
        .execute(params![function_id, fire.trigger.as_str(), fire.expected.micros(), fire.next_at.micros(),])?;
    if fired == 0 {
        return Ok(None);
    }
    submit::insert_all(transaction, invocations).map(Some)
}
