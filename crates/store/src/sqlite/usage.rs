//! What executions used.

use rusqlite::{Connection, params};
use tidemill_core::{name::FunctionRef, ports::Usage};

use super::{
    functions, rows,
    transaction::{Outcome, prepare},
};

/// What the kept executions of a function used. Reads the function's part of an index, and the attempts by their key.
pub(super) fn of(connection: &Connection, function: &FunctionRef) -> Outcome<Usage> {
    let function_id = functions::id(connection, function)?;
    let used = prepare(
        connection,
        "SELECT (SELECT count(*) FROM invocations WHERE function_id = ?1), coalesce(sum(a.cpu_ns), 0),
                coalesce(sum(a.io_bytes), 0), coalesce(sum(a.run_us), 0)
         FROM invocations i INDEXED BY invocations_function CROSS JOIN attempts a ON a.seq = i.seq
         WHERE i.function_id = ?1",
    )?
    .query_row(params![function_id], |row| {
        Ok(Usage {
            executions: rows::count(row, 0)?,
            cpu_ns: rows::count(row, 1)?,
            io_bytes: rows::count(row, 2)?,
            run_us: rows::count(row, 3)?,
        })
    })?;
    Ok(used)
}
