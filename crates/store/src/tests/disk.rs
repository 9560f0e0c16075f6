//! The writer: many at once, one that fails alone, a full disk.

use std::sync::Arc;

use tidemill_core::ports::{NewInvocation, Store, StoreError};

use crate::{
    SqliteConfig, SqliteStore,
    contract::{ManualClock, Subject, Works, make::*},
};

fn limited(bytes: u64) -> (Subject, Arc<SqliteStore>) {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let config = SqliteConfig { database_bytes_max: Some(bytes), ..SqliteConfig::new(directory.path(), clock.clone()) };
    let store = Arc::new(SqliteStore::open(config).unwrap());
    (Subject { store: store.clone(), registry: store.clone(), clock, keep: Box::new(directory) }, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_share_commits() {
    let (subject, store) = limited(1 << 30);
    deploy(&subject, "f").await;
    let before = store.metrics();
    let tasks: Vec<_> = (1..=400)
        .map(|number| {
            let store = store.clone();
            // Every fourth is refused, which the others in its transaction do not notice.
            let name = if number % 4 == 0 { "nobody" } else { "f" };
            tokio::spawn(async move { (number, store.submit(vec![new(name, number)]).await) })
        })
        .collect();
    for task in tasks {
        let (number, result) = task.await.unwrap();
        assert_eq!(result.is_ok(), number % 4 != 0, "{number}");
    }
    assert_eq!(claim_all(&subject, "f").await.len(), 300);
    let after = store.metrics();
    assert_eq!(after.failures, before.failures);
    assert!(after.writes - before.writes >= 400);
    assert!(after.commits - before.commits <= after.writes - before.writes);
}

#[tokio::test]
async fn a_full_disk_is_said_and_got_over() {
    let (subject, store) = limited(400 * 1024);
    deploy(&subject, "f").await;
    let mut accepted = 0;
    let full = loop {
        let mut invocation: NewInvocation = new("f", accepted + 1);
        invocation.event.body = vec![b'x'; 8 * 1024].into();
        match store.submit(vec![invocation]).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 1000, "the limit holds");
    };
    assert!(matches!(full, StoreError::Full), "{full}");
    assert!(accepted > 5);
    // Nothing that was accepted is lost, nothing that was refused is there.
    assert!(matches!(store.invocation(id(accepted + 1)).await, Err(StoreError::NotFound)));
    let queues = store.queues(&Default::default(), None).await.works();
    assert_eq!(queues[0].queued, accepted);
    // Room again.
    let some = tidemill_core::ports::RedriveFilter { function: function("f"), limit: 10 };
    store.purge(some, true).await.works();
    store.submit(vec![new("f", accepted + 1)]).await.works();
    assert!(store.metrics().failures >= 1);
}
