//! In tests, every statement that the writer prepares is asked for its plan: none may read a whole table or sort, for the
//! writer's time is everybody's.

use rusqlite::{Connection, types::Null};

/// Scans of partial indexes that hold little.
const SHORT: [&str; 2] = ["USING INDEX invocations_running", "USING INDEX blobs_unreferenced"];
/// Purging what waits is rare and asked for by a person: it may read what the function has.
const RARE: &str = "WHERE function_id = ?1 AND status = 0 ORDER BY seq";

/// Panics when the work of a statement grows with the tables.
pub(super) fn check(connection: &Connection, sql: &str) {
    if sql.contains(RARE) {
        return;
    }
    let mut explain = connection.prepare_cached(&format!("EXPLAIN QUERY PLAN {sql}")).expect("the statement is valid");
    for parameter in 1..=explain.parameter_count() {
        explain.raw_bind_parameter(parameter, Null).expect("null can be bound");
    }
    let mut rows = explain.raw_query();
    while let Some(row) = rows.next().expect("a plan can be read") {
        let step: String = row.get(3).expect("a step has a text");
        let grows = step.starts_with("SCAN") || step.contains("TEMP B-TREE");
        assert!(!grows || SHORT.iter().any(|short| step.contains(short)), "{step}: {sql}");
    }
}
