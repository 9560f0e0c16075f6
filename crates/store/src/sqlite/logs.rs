//! Log lines: written with what they belong to, read by function or invocation.

use std::collections::HashSet;

use rusqlite::{Connection, params, params_from_iter};
use tidemill_core::{
    Timestamp,
    invocation::LogLine,
    name::FunctionRef,
    ports::{LogFilter, LoggedLine, StoreError},
};

use super::{
    functions,
    rows::{self, to_json},
    transaction::{Outcome, Transaction},
};

/// Turns the fields of lines into JSON.
pub(super) fn prepare(lines: Vec<LogLine>) -> Result<Vec<(LogLine, Option<String>)>, StoreError> {
    lines
        .into_iter()
        .map(|mut line| {
            let fields = line.fields.take().as_ref().map(to_json).transpose()?;
            Ok((line, fields))
        })
        .collect()
}

/// Stores the lines of an attempt.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    seq: i64,
    function_id: i64,
    attempt: u32,
    lines: &[(LogLine, Option<String>)],
) -> rusqlite::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut statement = transaction.prepare(
        "INSERT INTO logs (seq, function_id, attempt, time, level, message, fields) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (line, fields) in lines {
        statement.execute(params![
            seq,
            function_id,
            attempt,
            line.time.micros(),
            line.level.as_str(),
            line.message,
            fields
        ])?;
    }
    Ok(())
}

/// Reads lines, oldest first: those after a position, or the last ones.
pub(super) fn read(connection: &Connection, filter: &LogFilter) -> Outcome<Vec<LoggedLine>> {
    let mut sql = String::from(
        "SELECT l.position, f.project, f.name, i.id, l.attempt, l.time, l.level, l.message, l.fields
         FROM logs l JOIN invocations i ON i.seq = l.seq JOIN functions f ON f.id = l.function_id WHERE 1",
    );
    let mut values: Vec<rusqlite::types::Value> = Vec::new();
    if let Some(function) = &filter.function {
        sql += " AND l.function_id = (SELECT id FROM functions WHERE project = ? AND name = ?)";
        values.push(function.project.as_str().to_owned().into());
        values.push(function.name.as_str().to_owned().into());
    }
    if let Some(invocation) = filter.invocation {
        sql += " AND l.seq = (SELECT seq FROM invocations WHERE id = ?)";
        values.push(invocation.0.as_bytes().to_vec().into());
    }
    if let Some(after) = filter.after {
        sql += " AND l.position > ? ORDER BY l.position LIMIT ?";
        values.push(after.into());
    } else {
        sql += " ORDER BY l.position DESC LIMIT ?";
    }
    values.push(i64::from(filter.limit).into());
    let mut lines: Vec<LoggedLine> = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), |row| {
            Ok(LoggedLine {
                position: row.get(0)?,
                function: rows::function(row, 1)?,
                invocation: rows::invocation_id(row, 3)?,
                attempt: row.get(4)?,
                line: rows::log_line(row, 5)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    if filter.after.is_none() {
        lines.reverse();
    }
    Ok(lines)
}

/// The invocations of a function that ended before `before` and have logs, those with the oldest lines first.
pub(super) fn old(connection: &Connection, function: &FunctionRef, before: Timestamp, limit: u32) -> Outcome<Vec<i64>> {
    let function_id = functions::id(connection, function)?;
    let mut statement = connection.prepare_cached(
        "SELECT l.seq FROM logs l INDEXED BY logs_function CROSS JOIN invocations i ON i.seq = l.seq
         WHERE l.function_id = ?1 AND i.status > 1 AND i.finished_at < ?2 ORDER BY l.position",
    )?;
    let mut lines = statement.query(params![function_id, before.micros()])?;
    let (mut known, mut old) = (HashSet::new(), Vec::new());
    while old.len() < limit as usize
        && let Some(line) = lines.next()?
    {
        let seq = line.get(0)?;
        if known.insert(seq) {
            old.push(seq);
        }
    }
    Ok(old)
}

/// Deletes the logs of invocations that still are over, and have any. Returns of how many.
pub(super) fn forget(transaction: &mut Transaction<'_>, intent: &(Vec<i64>, Timestamp)) -> Outcome<u64> {
    let (old, before) = intent;
    let mut statement = transaction.prepare(
        "DELETE FROM logs WHERE seq = (SELECT seq FROM invocations WHERE seq = ?1 AND status > 1 AND finished_at < ?2)",
    )?;
    let mut forgotten = 0;
    for seq in old {
        forgotten += u64::from(statement.execute(params![seq, before.micros()])? > 0);
    }
    Ok(forgotten)
}
