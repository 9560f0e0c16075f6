//! Prune: what is old is forgotten.

use rusqlite::params;
use tidemill_core::ports::Retention;

use super::{
    control::delete,
    transaction::{Outcome, Transaction},
};

/// Deletes the oldest ones that may go, at most `limit`.
pub(super) fn prune(transaction: &mut Transaction<'_>, retention: &Retention) -> Outcome<u64> {
    let mut pruned = 0u32;
    for (sql, before) in [
        (
            "SELECT seq FROM invocations WHERE status BETWEEN 2 AND 4 AND finished_at < ?1 ORDER BY finished_at, seq LIMIT ?2",
            retention.finished_before,
        ),
        (
            "SELECT seq FROM invocations WHERE status = 5 AND finished_at < ?1 ORDER BY finished_at, seq LIMIT ?2",
            retention.dead_lettered_before,
        ),
    ] {
        let old: Vec<i64> = transaction
            .prepare(sql)?
            .query_map(params![before.micros(), retention.limit - pruned], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for seq in &old {
            delete(transaction, *seq)?;
        }
        pruned += u32::try_from(old.len()).expect("no more than the limit");
    }
    Ok(u64::from(pruned))
}
