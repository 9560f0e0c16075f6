//! Expire.

use tidemill_core::{
    invocation::{AttemptOutcome, Status},
    ports::{Claim, StoreError},
};

use super::make::*;

async fn two_running(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1), new("f", 2)]).await.works();
    subject.store.claim(claim("f", 1, START)).await.works();
    let other = Claim { owner: "n2".into(), lease_until: at(60), ..claim("f", 1, START) };
    subject.store.claim(other).await.works();
}

/// A lease that ran out is an interruption, not a failure.
pub async fn by_time(subject: &Subject) {
    two_running(subject).await;
    assert_eq!(subject.store.expire(at(29), None, 100).await.works(), []);
    assert_eq!(subject.store.expire(at(30), None, 100).await.works(), [function("f")]);
    let detail = subject.store.invocation(id(1)).await.works();
    let found = detail.invocation;
    assert_eq!((found.status, found.failures, found.interruptions), (Status::Queued, 0, 1));
    assert_eq!((found.available_at, found.outcome), (at(30), Some(AttemptOutcome::Interrupted)));
    let attempt = &detail.attempts[0];
    assert_eq!((attempt.number, attempt.outcome), (1, AttemptOutcome::Interrupted));
    assert_eq!((attempt.started_at, attempt.finished_at), (START, at(30)));
    assert!(!attempt.reason.is_empty());
    assert_eq!(stored(subject, id(2)).await.status, Status::Running);
}

/// After a restart, whatever others held is put back at once.
pub async fn by_owner(subject: &Subject) {
    two_running(subject).await;
    assert_eq!(subject.store.expire(at(1), Some("n1".into()), 100).await.works(), [function("f")]);
    assert_eq!(stored(subject, id(1)).await.status, Status::Running);
    assert_eq!(stored(subject, id(2)).await.status, Status::Queued);
    assert_eq!(subject.store.expire(at(1), Some("n3".into()), 100).await.works(), [function("f")]);
    assert_eq!(stored(subject, id(1)).await.status, Status::Queued);
}

/// Too many interruptions end it.
pub async fn interruptions_end(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    for _ in 0..3 {
        claim_one(subject, "f").await;
        let now = subject.clock.advance(30_000_000);
        subject.store.expire(now, None, 3).await.works();
    }
    let found = stored(subject, id(1)).await;
    assert_eq!((found.status, found.interruptions), (Status::DeadLettered, 3));
    assert_eq!(found.finished_at, Some(at(90)));
    assert!(claim_all(subject, "f").await.is_empty());
}

/// One that somebody wanted cancelled is cancelled.
pub async fn cancel_requested_ends(subject: &Subject) {
    two_running(subject).await;
    subject.store.cancel(id(1), START).await.works();
    assert_eq!(subject.store.expire(at(30), None, 100).await.works(), []);
    assert_eq!(stored(subject, id(1)).await.status, Status::Cancelled);
}

/// Whoever lost the lease cannot settle.
pub async fn expired_cannot_settle(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    subject.store.expire(at(30), None, 100).await.works();
    let refused = subject.store.settle(settlement(&invocation, Status::Succeeded, at(30))).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    assert_eq!(subject.store.renew(vec![held(&invocation)], at(90)).await.works(), [held(&invocation)]);
}

/// The parts of one that is given up add up to the whole.
pub async fn split_adds_up(subject: &Subject) {
    two_running(subject).await;
    subject.store.expire(at(30), None, 1).await.works();
    let found = stored(subject, id(1)).await;
    assert_eq!(found.status, Status::DeadLettered);
    assert_eq!(found.timings.total_us(), 30_000_000);
}
