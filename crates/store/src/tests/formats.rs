//! A database that an older release wrote opens, with all that is in it, and works.

use bytes::Bytes;
use rusqlite::{Connection, params};
use tidemill_core::{
    invocation::{AttemptOutcome, Status},
    limits::INLINE_BODY_BYTES_MAX,
    ports::{LogFilter, Settlement, Usage},
};

use super::reopen::open;
use crate::contract::{ManualClock, Works, make::*};

/// The steps of the schema before state, results and entries.
const FORMER: [&str; 2] =
    [include_str!("../sqlite/migrations/0001_base.sql"), include_str!("../sqlite/migrations/0002_views.sql")];

/// Writes what that release wrote: a function, an invocation that ended and one that waits.
fn write_former(directory: &std::path::Path) {
    let connection = Connection::open(directory.join("tidemill.db")).unwrap();
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    FORMER.iter().for_each(|step| connection.execute_batch(step).unwrap());
    connection.execute_batch("PRAGMA user_version = 2").unwrap();
    // Settings as they were written before there was state.
    let mut spec = serde_json::to_value(spec()).unwrap();
    for member in ["state", "container", "notify", "log_retention"] {
        assert!(spec.as_object_mut().unwrap().remove(member).is_some(), "{member}");
    }
    let start = START.0;
    let insert = |sql: &str, values: &[&dyn rusqlite::ToSql]| assert_eq!(connection.execute(sql, values).unwrap(), 1);
    insert("INSERT INTO functions VALUES (1, 'default', 'f', 1, 'active', ?1, ?1)", params![start]);
    let package = format!("{:064x}", 1);
    insert("INSERT INTO revisions VALUES (1, 1, ?1, ?2, ?3)", params![spec.to_string(), package, start]);
    let invocation =
        "INSERT INTO invocations (seq, id, function_id, status, event_size, attempts, generation, received_at,
                             available_at, started_at, finished_at, outcome, response_status)
                      VALUES (?1, ?2, 1, ?3, 1, ?4, ?4, ?5, ?5, ?6, ?6, ?7, ?8)";
    insert(invocation, params![1, id(1).0.as_bytes(), 2, 1, start, start, "succeeded", 200]);
    insert(invocation, params![2, id(2).0.as_bytes(), 0, 0, start, None::<i64>, None::<&str>, None::<u16>]);
    for number in [1u32, 2] {
        let envelope = serde_json::to_string(&new("f", number.into()).event).unwrap();
        insert(
            "INSERT INTO events VALUES (?1, ?2, ?3, NULL)",
            params![number, envelope, number.to_string().as_bytes()],
        );
    }
    insert("INSERT INTO replies VALUES (1, 200, 'text/plain', '[]', ?1, NULL)", params![b"done"]);
    insert("INSERT INTO attempts VALUES (1, 1, 1, 'w-1', ?1, ?1, 'succeeded', '')", params![start]);
    insert("INSERT INTO logs VALUES (1, 1, 1, 1, ?1, 'info', 'hello', NULL)", params![start]);
}

#[tokio::test]
async fn the_format_before_state_opens() {
    let directory = tempfile::tempdir().unwrap();
    write_former(directory.path());
    let subject = open(directory.path(), &ManualClock::new());
    let f = function("f");

    assert_eq!(subject.store.revisions(&f).await.works(), [revision("f", 1, START)]);
    let detail = subject.store.invocation(id(1)).await.works();
    assert_eq!((detail.invocation.status, detail.attempts.len()), (Status::Succeeded, 1));
    assert_eq!((detail.attempts[0].outcome, detail.attempts[0].report.clone()), (AttemptOutcome::Succeeded, None));
    assert_eq!(subject.store.reply(id(1)).await.works().works().body, "done");
    assert_eq!(subject.store.logs(LogFilter { limit: 9, ..LogFilter::default() }).await.works().len(), 1);
    assert_eq!(subject.store.take_result(id(1)).await.works(), None);
    assert_eq!(subject.store.state(&f, "").await.works(), None);
    assert_eq!(subject.store.usage(&f).await.works(), Usage { executions: 2, ..Usage::default() });

    let running = claim_one(&subject, "f").await;
    assert_eq!((running.id, running.event.body.clone()), (id(2), Bytes::from("2")));
    let state = Bytes::from(vec![b'1'; INLINE_BODY_BYTES_MAX + 1]);
    let settlement = Settlement {
        state: Some(state.clone()),
        results: vec!["r".into()],
        ..settlement(&running, Status::Succeeded, START)
    };
    subject.store.settle(settlement).await.works();
    assert!(subject.store.state(&f, "").await.works().works().value == state);
    assert_eq!(subject.store.take_result(id(2)).await.works().works(), "r");
    subject.store.delete_function(&f).await.works();

    // Opened again, there is nothing left to bring up to date.
    drop(subject);
    let subject = open(directory.path(), &ManualClock::new());
    assert!(subject.store.functions().await.works().is_empty());
}
