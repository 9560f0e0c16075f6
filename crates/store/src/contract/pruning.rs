//! Prune, and the check.

use bytes::Bytes;
use tidemill_core::{
    Timestamp,
    invocation::Status,
    limits::INLINE_BODY_BYTES_MAX,
    ports::{Clock, LogFilter, NewInvocation, Retention, Settlement, StoreError, Submitted},
};

use super::make::*;

fn older_than(finished_before: Timestamp, dead_lettered_before: Timestamp) -> Retention {
    Retention { finished_before, dead_lettered_before, limit: 100 }
}

async fn is_there(subject: &Subject, number: u64) -> bool {
    match subject.store.invocation(id(number)).await {
        Ok(_) => true,
        Err(StoreError::NotFound) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Old ones go with their logs; younger ones stay.
pub async fn old_ones_go(subject: &Subject) {
    deploy(subject, "f").await;
    for (number, status) in [(1, Status::Succeeded), (2, Status::Failed), (3, Status::Cancelled)] {
        subject.store.submit(vec![new("f", number)]).await.works();
        let invocation = claim_one(subject, "f").await;
        let settlement = Settlement { logs: vec![line("a")], ..settlement(&invocation, status, subject.clock.now()) };
        subject.store.settle(settlement).await.works();
        subject.clock.advance(1_000_000);
    }
    assert_eq!(subject.store.prune(older_than(at(0), at(0))).await.works(), 0);
    assert_eq!(subject.store.prune(older_than(at(2), at(0))).await.works(), 2);
    assert!(!is_there(subject, 1).await && !is_there(subject, 2).await && is_there(subject, 3).await);
    assert_eq!(subject.store.logs(LogFilter { limit: 9, ..LogFilter::default() }).await.works().len(), 1);
}

/// No more than allowed in one go, the oldest first.
pub async fn limit_and_order(subject: &Subject) {
    deploy(subject, "f").await;
    for number in [3, 1, 2] {
        ended(subject, new("f", number), Status::Succeeded).await;
        subject.clock.advance(1_000_000);
    }
    let two = Retention { limit: 2, ..older_than(at(9), at(9)) };
    assert_eq!(subject.store.prune(two).await.works(), 2);
    assert!(!is_there(subject, 3).await && !is_there(subject, 1).await && is_there(subject, 2).await);
    assert_eq!(subject.store.prune(two).await.works(), 1);
}

/// Dead letters have a time of their own.
pub async fn dead_letters_stay_longer(subject: &Subject) {
    deploy(subject, "f").await;
    ended(subject, new("f", 1), Status::DeadLettered).await;
    ended(subject, new("f", 2), Status::Succeeded).await;
    assert_eq!(subject.store.prune(older_than(at(9), at(0))).await.works(), 1);
    assert!(is_there(subject, 1).await);
    assert_eq!(subject.store.prune(older_than(at(9), at(9))).await.works(), 1);
    assert!(!is_there(subject, 1).await);
}

/// What waits or runs is never too old.
pub async fn unfinished_stay(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1), new("f", 2)]).await.works();
    claim_one(subject, "f").await;
    assert_eq!(subject.store.prune(older_than(at(99), at(99))).await.works(), 0);
    assert!(is_there(subject, 1).await && is_there(subject, 2).await);
}

/// A large body goes with the last one that has it.
pub async fn shared_bodies_stay(subject: &Subject) {
    deploy(subject, "f").await;
    let body = Bytes::from(vec![9; INLINE_BODY_BYTES_MAX + 1]);
    for number in [1, 2] {
        let mut invocation = new("f", number);
        invocation.event.body = body.clone();
        ended(subject, invocation, Status::Succeeded).await;
        subject.clock.advance(1_000_000);
    }
    assert_eq!(subject.store.prune(older_than(at(1), at(0))).await.works(), 1);
    assert_eq!(subject.store.event_body(id(2)).await.works(), body);
    assert_eq!(subject.store.prune(older_than(at(9), at(0))).await.works(), 1);
    assert!(matches!(subject.store.event_body(id(2)).await, Err(StoreError::NotFound)));
}

/// An idempotency key is free again when its invocation is forgotten.
pub async fn idempotency_ends_with_it(subject: &Subject) {
    deploy(subject, "f").await;
    let once = |number| NewInvocation { idempotency_key: Some("k".into()), ..new("f", number) };
    ended(subject, once(1), Status::Succeeded).await;
    assert_eq!(subject.store.submit(vec![once(2)]).await.works(), [Submitted::Duplicate(id(1))]);
    subject.store.prune(older_than(at(9), at(9))).await.works();
    assert!(matches!(subject.store.submit(vec![once(2)]).await.works()[0], Submitted::Accepted(_)));
}

/// A healthy store says so.
pub async fn checking_writes(subject: &Subject) {
    subject.store.check().await.works();
    subject.store.check().await.works();
}
