//! Results of executions.

use bytes::Bytes;
use tidemill_core::{
    id::InvocationId,
    invocation::Status,
    limits::INLINE_BODY_BYTES_MAX,
    ports::{Clock, Retention, Settlement, StoreError},
};

use super::make::*;

/// Submits one and ends it with results.
async fn run(subject: &Subject, number: u64, results: Vec<Bytes>) {
    subject.store.submit(vec![new("f", number)]).await.works();
    let invocation = claim_one(subject, "f").await;
    let settlement = settlement(&invocation, Status::Succeeded, subject.clock.now());
    subject.store.settle(Settlement { results, ..settlement }).await.works();
}

async fn take(subject: &Subject, id: InvocationId) -> Option<Bytes> {
    subject.store.take_result(id).await.works()
}

async fn take_all(subject: &Subject, id: InvocationId) -> Vec<Bytes> {
    let mut taken = Vec::new();
    while let Some(result) = take(subject, id).await {
        taken.push(result);
    }
    taken
}

/// In order, each once; empty ones too.
pub async fn taken_in_order_once(subject: &Subject) {
    deploy(subject, "f").await;
    run(subject, 1, vec!["a".into(), Bytes::new(), "c".into(), "a".into()]).await;
    run(subject, 2, vec!["other".into()]).await;
    assert_eq!(take_all(subject, id(1)).await, ["a", "", "c", "a"]);
    assert_eq!(take(subject, id(1)).await, None);
    assert_eq!(take_all(subject, id(2)).await, ["other"]);
}

/// There are none before they are left, and none of an unknown invocation.
pub async fn none_before_the_end(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    assert_eq!(take(subject, id(1)).await, None);
    let invocation = claim_one(subject, "f").await;
    assert_eq!(take(subject, id(1)).await, None);
    settle(subject, &invocation, Status::Succeeded).await;
    assert_eq!(take(subject, id(1)).await, None);
    let unknown = subject.store.take_result(id(2)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)), "{unknown:?}");
}

/// Those of a later attempt follow those that are there, also when it ran again on request.
pub async fn later_ones_follow(subject: &Subject) {
    deploy(subject, "f").await;
    run(subject, 1, vec!["a".into(), "b".into()]).await;
    assert_eq!(take(subject, id(1)).await.works(), "a");
    subject.store.retry(id(1), START).await.works();
    let invocation = claim_one(subject, "f").await;
    let again = Settlement { results: vec!["c".into()], ..settlement(&invocation, Status::Succeeded, START) };
    subject.store.settle(again).await.works();
    assert_eq!(take_all(subject, id(1)).await, ["b", "c"]);
}

/// Many who take at once get each one once.
pub async fn many_take_each_once(subject: &Subject) {
    deploy(subject, "f").await;
    let big = |number: u8| Bytes::from(vec![number; INLINE_BODY_BYTES_MAX + 1]);
    let results: Vec<Bytes> =
        (0..12u8).map(|number| if number % 4 == 0 { big(number) } else { Bytes::from(vec![number]) }).collect();
    run(subject, 1, results.clone()).await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let store = subject.store.clone();
            tokio::spawn(async move { store.take_result(id(1)).await })
        })
        .collect();
    let mut taken = Vec::new();
    for task in tasks {
        taken.extend(task.await.works().works());
    }
    taken.sort();
    let mut expected = results;
    expected.sort();
    assert!(taken == expected, "{} were taken", taken.len());
}

/// Large ones come back, the same one twice too.
pub async fn big_ones_come_back(subject: &Subject) {
    deploy(subject, "f").await;
    let big = |byte: u8| Bytes::from(vec![byte; INLINE_BODY_BYTES_MAX * 2]);
    let results = vec![big(1), "small".into(), big(2), big(1)];
    run(subject, 1, results.clone()).await;
    assert!(take_all(subject, id(1)).await == results);
}

/// They go with their invocation.
pub async fn they_go_with_the_invocation(subject: &Subject) {
    deploy(subject, "f").await;
    run(subject, 1, vec!["a".into()]).await;
    run(subject, 2, vec!["b".into()]).await;
    let one = Retention { finished_before: at(9), dead_lettered_before: at(9), limit: 1 };
    assert_eq!(subject.store.prune(one).await.works(), 1);
    assert!(matches!(subject.store.take_result(id(1)).await, Err(StoreError::NotFound)));
    assert_eq!(take(subject, id(2)).await.works(), "b");
}
