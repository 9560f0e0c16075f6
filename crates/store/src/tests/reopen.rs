//! What was answered is there after closing and opening again; what cannot be opened says why.

use std::{fs, sync::Arc};

use bytes::Bytes;
use serde_json::json;
use tidemill_core::{
    id::{Generation, InvocationId},
    invocation::{RunReport, Status},
    limits::INLINE_BODY_BYTES_MAX,
    name::ProjectName,
    ports::{EntryChange, EntryId, EntryKind, Expected, LogFilter, Settlement},
};

use crate::{
    OpenError, SqliteConfig, SqliteStore,
    contract::{ManualClock, Subject, Works, make::*},
};

pub(super) fn open(directory: &std::path::Path, clock: &Arc<ManualClock>) -> Subject {
    let store = Arc::new(SqliteStore::open(SqliteConfig::new(directory, clock.clone())).unwrap());
    Subject { store: store.clone(), registry: store, clock: clock.clone(), keep: Box::new(()) }
}

fn blob_count(directory: &std::path::Path) -> usize {
    let Ok(folders) = fs::read_dir(directory.join("blobs")) else { return 0 };
    folders.map(|folder| fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
}

#[tokio::test]
async fn everything_is_still_there() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let body = Bytes::from(vec![5; INLINE_BODY_BYTES_MAX + 5]);
    {
        let subject = open(directory.path(), &clock);
        deploy(&subject, "f").await;
        let mut big = keyed("f", 1, "a");
        big.event.body = body.clone();
        subject.store.submit(vec![big, keyed("f", 2, "a"), new("f", 3)]).await.works();
        let running = claim_one(&subject, "f").await;
        let settlement = Settlement {
            logs: vec![line("a")],
            reply: Some(reply(200, body.clone())),
            ..settlement(&running, Status::Succeeded, START)
        };
        subject.store.settle(settlement).await.works();
        claim_one(&subject, "f").await;
    }
    let subject = open(directory.path(), &clock);
    assert_eq!(subject.store.functions().await.works().len(), 1);
    assert_eq!(stored(&subject, id(1)).await.status, Status::Succeeded);
    assert_eq!(subject.store.event_body(id(1)).await.works(), body);
    assert_eq!(subject.store.reply(id(1)).await.works().works().body, body);
    assert_eq!(subject.store.logs(LogFilter { limit: 9, ..LogFilter::default() }).await.works().len(), 1);
    assert_eq!(stored(&subject, id(2)).await.generation, Generation(1));
    assert_eq!(ids(&claim_all(&subject, "f").await), [id(3)]);
    assert_eq!(subject.store.expire(START, Some("n9".into()), 100).await.works(), [function("f")]);
    let mut again: Vec<InvocationId> = ids(&claim_all(&subject, "f").await);
    again.sort();
    assert_eq!(again, [id(2), id(3)]);
}

#[tokio::test]
async fn blobs_are_removed_with_the_last_reference() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let subject = open(directory.path(), &clock);
    deploy(&subject, "f").await;
    let mut big = new("f", 1);
    big.event.body = Bytes::from(vec![5; INLINE_BODY_BYTES_MAX + 5]);
    subject.store.submit(vec![big]).await.works();
    let running = claim_one(&subject, "f").await;
    let answer = Some(reply(200, vec![6; INLINE_BODY_BYTES_MAX + 5]));
    subject.store.settle(Settlement { reply: answer, ..settlement(&running, Status::Queued, START) }).await.works();
    assert_eq!(blob_count(directory.path()), 2);
    // The next attempt's response takes the place of the first.
    let running = claim_one(&subject, "f").await;
    settle(&subject, &running, Status::Succeeded).await;
    subject.store.check().await.works();
    assert_eq!(blob_count(directory.path()), 1);
    subject.store.delete_function(&function("f")).await.works();
    // Files go after the answer; the next answer comes when they are gone.
    subject.store.check().await.works();
    assert_eq!(blob_count(directory.path()), 0);
}

#[tokio::test]
async fn blobs_of_states_and_results_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let subject = open(directory.path(), &clock);
    deploy(&subject, "f").await;
    let f = function("f");
    let big = |byte: u8| Bytes::from(vec![byte; INLINE_BODY_BYTES_MAX + 5]);
    // Files go after the answer; the next answer comes when they are gone.
    let count = async || {
        subject.store.check().await.works();
        blob_count(directory.path())
    };
    let put = async |value: Option<Bytes>| subject.store.put_state(&f, "", value, None, START).await.works();
    subject.store.submit(vec![new("f", 1)]).await.works();
    let running = claim_one(&subject, "f").await;
    let results = vec![big(1), big(2), big(1)];
    let settlement = Settlement { state: Some(big(1)), results, ..settlement(&running, Status::Succeeded, START) };
    subject.store.settle(settlement).await.works();
    assert_eq!(count().await, 2);
    // The same again, then another one; the results still refer to the first.
    put(Some(big(1))).await;
    assert_eq!(count().await, 2);
    put(Some(big(3))).await;
    assert_eq!(count().await, 3);
    // Small, large again, and gone.
    put(Some("3".into())).await;
    assert_eq!(count().await, 2);
    put(Some(big(3))).await;
    assert_eq!(count().await, 3);
    put(None).await;
    assert_eq!(count().await, 2);
    for left in [2, 1, 0] {
        assert!(subject.store.take_result(id(1)).await.works().is_some());
        assert_eq!(count().await, left);
    }
    // Refused ones leave nothing.
    let refused = subject.store.put_state(&f, "", Some(big(7)), Some(7), START).await;
    assert!(refused.is_err() && count().await == 0);
    // With the function.
    put(Some(big(4))).await;
    assert_eq!(count().await, 1);
    subject.store.delete_function(&f).await.works();
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn states_results_and_entries_are_still_there() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let big = Bytes::from(vec![5; INLINE_BODY_BYTES_MAX + 5]);
    let id_of_entry = EntryId { kind: EntryKind::Alias, project: ProjectName::default(), name: "a".into() };
    {
        let subject = open(directory.path(), &clock);
        deploy(&subject, "f").await;
        subject.store.submit(vec![keyed("f", 1, "k")]).await.works();
        let running = claim_one(&subject, "f").await;
        let results = vec![big.clone(), "small".into()];
        let settlement =
            Settlement { state: Some(big.clone()), results, ..settlement(&running, Status::Succeeded, START) };
        subject.store.settle(settlement).await.works();
        let change = EntryChange { id: id_of_entry.clone(), value: Some(json!(1)), expected: Expected::Any };
        subject.registry.change(vec![change]).await.works();
    }
    let subject = open(directory.path(), &clock);
    let state = subject.store.state(&function("f"), "k").await.works().works();
    assert!(state.value == big && state.version == 1);
    assert!(subject.store.take_result(id(1)).await.works() == Some(big));
    assert_eq!(subject.store.take_result(id(1)).await.works().works(), "small");
    assert_eq!(subject.registry.entry(&id_of_entry).await.works().works().value, json!(1));
}

#[tokio::test]
async fn what_is_stored_is_closed_to_other_users() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let subject = open(directory.path(), &ManualClock::new());
    deploy(&subject, "f").await;
    let mut big = new("f", 1);
    big.event.body = Bytes::from(vec![5; INLINE_BODY_BYTES_MAX + 5]);
    subject.store.submit(vec![big]).await.works();
    for name in ["tidemill.db", "tidemill.db-wal", "tidemill.db-shm", "blobs"] {
        let mode = fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
}

#[tokio::test]
async fn leftovers_of_a_crash_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let body = Bytes::from(vec![5; INLINE_BODY_BYTES_MAX + 5]);
    {
        let subject = open(directory.path(), &clock);
        deploy(&subject, "f").await;
        let mut big = new("f", 1);
        big.event.body = body.clone();
        subject.store.submit(vec![big]).await.works();
    }
    let folder = directory.path().join("blobs").join("00");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("new-3"), b"half").unwrap();
    fs::write(folder.join("0".repeat(62)), b"nobody refers to it").unwrap();
    let subject = open(directory.path(), &clock);
    assert_eq!(blob_count(directory.path()), 1);
    assert_eq!(subject.store.event_body(id(1)).await.works(), body);
}

#[tokio::test]
async fn a_directory_has_one_store() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let subject = open(directory.path(), &clock);
    let refused = SqliteStore::open(SqliteConfig::new(directory.path(), clock.clone())).err().unwrap();
    assert!(matches!(refused, OpenError::Locked { .. }));
    assert!(refused.to_string().contains("hint: "), "{refused}");
    drop(subject);
    open(directory.path(), &clock);
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    drop(open(directory.path(), &clock));
    let connection = rusqlite::Connection::open(directory.path().join("tidemill.db")).unwrap();
    connection.execute_batch("PRAGMA user_version = 999").unwrap();
    drop(connection);
    let refused = SqliteStore::open(SqliteConfig::new(directory.path(), clock)).err().unwrap();
    assert!(matches!(refused, OpenError::NewerFormat { found: 999, .. }), "{refused}");
}

#[test]
fn a_foreign_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("tidemill.db"), vec![b'x'; 8192]).unwrap();
    let refused = SqliteStore::open(SqliteConfig::new(directory.path(), ManualClock::new())).err().unwrap();
    assert!(matches!(refused, OpenError::Database { .. }), "{refused}");
}

#[test]
fn the_sqlite_in_here_is_sound() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[tokio::test]
async fn views_are_readable() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let subject = open(directory.path(), &clock);
    deploy(&subject, "f").await;
    ended(&subject, keyed("f", 1, "a"), Status::DeadLettered).await;
    subject.store.submit(vec![new("f", 2)]).await.works();
    let running = claim_one(&subject, "f").await;
    let mut settlement = settlement(&running, Status::Succeeded, START);
    settlement.attempt.report = Some(RunReport { exit_code: Some(3), cpu_ns: 7, run_us: 9, ..RunReport::default() });
    let state = Bytes::from(vec![b'1'; INLINE_BODY_BYTES_MAX + 5]);
    subject.store.settle(Settlement { state: Some(state), ..settlement }).await.works();
    subject.store.put_state(&function("f"), "é", Some("\"é\"".into()), None, START).await.works();
    let nonce = EntryId { kind: EntryKind::Nonce, project: ProjectName::default(), name: "shop_abcdefghijklm".into() };
    let change = EntryChange { id: nonce, value: Some(json!({"secret": "s"})), expected: Expected::Any };
    subject.registry.change(vec![change]).await.works();
    subject.store.submit(vec![new("f", 3)]).await.works();
    drop(subject);
    let connection = rusqlite::Connection::open(directory.path().join("tidemill.db")).unwrap();
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(text("SELECT id FROM v_invocations WHERE status = 'dead_lettered'"), id(1).to_string());
    assert_eq!(text("SELECT finished_at FROM v_invocations WHERE key = 'a'"), START.to_rfc3339());
    assert_eq!(text("SELECT invocation FROM v_attempts WHERE outcome = 'raised'"), id(1).to_string());
    assert_eq!(text("SELECT name || ' ' || desired_state || ' ' || active_revision FROM v_functions"), "f active 1");
    let depth =
        "SELECT ready_or_delayed || ' ' || blocked || ' ' || running || ' ' || dead_lettered FROM v_queue_depth";
    assert_eq!(text(depth), "1 0 0 1");
    let used =
        "SELECT exit_code || ' ' || cpu_ns || ' ' || io_bytes || ' ' || run_us FROM v_attempts WHERE exit_code = 3";
    assert_eq!(text(used), "3 7 0 9");
    assert_eq!(text("SELECT count(*) || '' FROM v_attempts WHERE run_us IS NULL"), "1");
    let states = "SELECT function || ' ' || key || ' ' || version || ' ' || size || ' ' || updated_at FROM v_states
                  WHERE project = 'default' ORDER BY key";
    assert_eq!(text(states), format!("f  1 65541 {}", START.to_rfc3339()));
    assert_eq!(text("SELECT size || '' FROM v_states WHERE key = 'é'"), "4");
    let columns = "SELECT group_concat(name) FROM pragma_table_info('v_entries')";
    assert_eq!(text(columns), "kind,project,name,version");
    assert_eq!(
        text("SELECT kind || ' ' || project || ' ' || name || ' ' || version FROM v_entries"),
        "nonce default shop_abcde… 1"
    );
}
