//! Lists of invocations and depths of queues.

use rusqlite::{Connection, params, params_from_iter, types::Value};
use tidemill_core::{
    invocation::{Invocation, Status},
    name::{FunctionRef, ProjectName},
    ports::{InvocationFilter, Page, QueueStats},
};

use super::{
    functions,
    rows::{self, status_code},
    transaction::Outcome,
};

/// Invocations, newest first.
pub(super) fn invocations(connection: &Connection, filter: &InvocationFilter) -> Outcome<Page<Invocation>> {
    let (conditions, values) = conditions(filter);
    let sql = format!(
        "SELECT {}, f.project, f.name FROM invocations i {} JOIN events e ON e.seq = i.seq
         JOIN functions f ON f.id = i.function_id WHERE {conditions} ORDER BY i.id DESC LIMIT ?",
        rows::invocation_columns!(),
        index(filter.status),
    );
    let mut items: Vec<Invocation> = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), |row| {
            rows::invocation(row, rows::function(row, rows::INVOCATION_COLUMN_COUNT)?)
        })?
        .collect::<Result<_, _>>()?;
    let limit = filter.limit as usize;
    let more = items.len() > limit;
    items.truncate(limit);
    Ok(Page { items, more })
}

/// The index that holds few rows, where the planner would rather read all that a function ever had in the order asked for.
fn index(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Running) => "INDEXED BY invocations_running",
        Some(Status::DeadLettered) => "INDEXED BY invocations_dead",
        Some(Status::Queued | Status::Succeeded | Status::Failed | Status::Cancelled) | None => "",
    }
}

fn conditions(filter: &InvocationFilter) -> (String, Vec<Value>) {
    let mut sql = String::from("f.project = ?");
    let mut values: Vec<Value> = vec![filter.project.as_str().to_owned().into()];
    if let Some(function) = &filter.function {
        sql += " AND i.function_id = (SELECT id FROM functions WHERE project = ? AND name = ?)";
        values.push(function.project.as_str().to_owned().into());
        values.push(function.name.as_str().to_owned().into());
    }
    if let Some(status) = filter.status {
        // In the text, so that the partial index of the status can be used.
        sql += &format!(" AND i.status = {}", status_code(status));
    }
    if let Some(since) = filter.since {
        sql += " AND i.received_at >= ?";
        values.push(since.micros().into());
    }
    if let Some(until) = filter.until {
        sql += " AND i.received_at < ?";
        values.push(until.micros().into());
    }
    if let Some(before) = filter.before {
        sql += " AND i.id < ?";
        values.push(before.0.as_bytes().to_vec().into());
    }
    // One more than asked for tells whether there are more.
    values.push((i64::from(filter.limit) + 1).into());
    (sql, values)
}

/// Depths of the queues of a project, by name, or of one function.
pub(super) fn queues(
    connection: &Connection,
    project: &ProjectName,
    function: Option<&FunctionRef>,
) -> Outcome<Vec<QueueStats>> {
    let chosen: Vec<(i64, FunctionRef)> = match function {
        Some(function) => vec![(functions::id(connection, function)?, function.clone())],
        None => connection
            .prepare_cached("SELECT id, project, name FROM functions WHERE project = ?1 ORDER BY name")?
            .query_map([project.as_str()], |row| Ok((row.get(0)?, rows::function(row, 1)?)))?
            .collect::<Result<_, _>>()?,
    };
    chosen.into_iter().map(|(id, function)| depth(connection, id, function)).collect()
}

fn depth(connection: &Connection, function_id: i64, function: FunctionRef) -> Outcome<QueueStats> {
    // Each part is a scan of one partial index, restricted to the function.
    let stats = connection
        .prepare_cached(
            "SELECT r.count, b.count,
                    (SELECT count(*) FROM invocations INDEXED BY invocations_running WHERE function_id = ?1 AND status = 1),
                    (SELECT count(*) FROM invocations INDEXED BY invocations_dead WHERE function_id = ?1 AND status = 5),
                    r.oldest, b.oldest
             FROM (SELECT count(*) AS count, min(received_at) AS oldest FROM invocations INDEXED BY invocations_ready
                   WHERE function_id = ?1 AND status = 0 AND blocked = 0) r,
                  (SELECT count(*) AS count, min(received_at) AS oldest FROM invocations INDEXED BY invocations_blocked
                   WHERE function_id = ?1 AND status = 0 AND blocked = 1) b",
        )?
        .query_row(params![function_id], |row| {
            let count = |column| row.get::<_, i64>(column).map(|count| u64::try_from(count).unwrap_or(0));
            Ok(QueueStats {
                queued: count(0)? + count(1)?,
                running: count(2)?,
                dead_lettered: count(3)?,
                oldest: [rows::time_option(row, 4)?, rows::time_option(row, 5)?].into_iter().flatten().min(),
                function,
            })
        })?;
    Ok(stats)
}
