//! Cancel, retry, redrive, purge.

use tidemill_core::{
    id::Generation,
    invocation::Status,
    ports::{CancelResult, LogFilter, RedriveFilter, Settlement, StoreError},
};

use super::make::*;

/// One that waits is cancelled at once.
pub async fn cancel_waiting(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    assert_eq!(subject.store.cancel(id(1), at(2)).await.works(), CancelResult::Cancelled);
    let found = stored(subject, id(1)).await;
    assert_eq!(
        (found.status, found.finished_at, found.timings.total_us()),
        (Status::Cancelled, Some(at(2)), 2_000_000)
    );
    assert!(!found.reason.is_empty());
    assert!(claim_all(subject, "f").await.is_empty());
}

/// One that runs is marked, and ended by whoever runs it.
pub async fn cancel_running(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    for _ in 0..2 {
        assert_eq!(subject.store.cancel(id(1), START).await.works(), CancelResult::Requested);
    }
    assert_eq!(stored(subject, id(1)).await.status, Status::Running);
    settle(subject, &invocation, Status::Cancelled).await;
    assert_eq!(stored(subject, id(1)).await.status, Status::Cancelled);
}

/// What has ended cannot be cancelled.
pub async fn cancel_ended_is_refused(subject: &Subject) {
    deploy(subject, "f").await;
    for (number, status) in (1..).zip(Status::ALL.into_iter().filter(|status| status.is_final())) {
        ended(subject, new("f", number), status).await;
        let refused = subject.store.cancel(id(number), START).await;
        assert!(matches!(&refused, Err(StoreError::Conflict(text)) if text.contains(status.as_str())), "{refused:?}");
    }
}

/// Whatever has ended can run again, nothing else.
pub async fn retry_each_status(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    assert!(matches!(subject.store.retry(id(1), START).await, Err(StoreError::Conflict(_))));
    let invocation = claim_one(subject, "f").await;
    assert!(matches!(subject.store.retry(id(1), START).await, Err(StoreError::Conflict(_))));
    settle(subject, &invocation, Status::Succeeded).await;
    for status in Status::ALL.into_iter().filter(|status| status.is_final()) {
        assert_eq!(subject.store.retry(id(1), START).await.works(), function("f"));
        let again = claim_one(subject, "f").await;
        assert_eq!(subject.store.event_body(again.id).await.works(), "1");
        settle(subject, &again, status).await;
        assert_eq!(stored(subject, id(1)).await.status, status);
    }
}

/// Run again, it starts with a clean slate; its attempts are kept.
pub async fn retry_forgets(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    let mut settlement =
        Settlement { reply: Some(reply(500, "no")), ..settlement(&invocation, Status::DeadLettered, START) };
    settlement.interruptions = 4;
    subject.store.settle(settlement).await.works();
    subject.store.retry(id(1), at(3)).await.works();
    let detail = subject.store.invocation(id(1)).await.works();
    let found = detail.invocation;
    assert_eq!((found.status, found.failures, found.interruptions), (Status::Queued, 0, 0));
    assert_eq!((found.available_at, found.finished_at), (at(3), None));
    assert_eq!((found.outcome, found.reason.as_str(), found.response_status), (None, "", None));
    assert_eq!(subject.store.reply(id(1)).await.works(), None);
    assert_eq!(detail.attempts.len(), 1);
    subject.clock.advance(3_000_000);
    let again = claim_one(subject, "f").await;
    assert_eq!((again.attempts, again.generation), (2, Generation(2)));
}

/// Dead letters of one function are queued again, oldest first.
pub async fn redrive_counts_and_limits(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    for number in 1..=3 {
        ended(subject, new("f", number), Status::DeadLettered).await;
    }
    ended(subject, new("f", 4), Status::Cancelled).await;
    ended(subject, new("g", 5), Status::DeadLettered).await;
    let some = |limit| RedriveFilter { function: function("f"), limit };
    assert_eq!(subject.store.redrive(some(2), START).await.works(), 2);
    assert_eq!(ids(&claim_all(subject, "f").await), [id(1), id(2)]);
    assert_eq!(subject.store.redrive(some(9), START).await.works(), 1);
    assert_eq!(subject.store.redrive(some(9), START).await.works(), 0);
    assert_eq!(stored(subject, id(5)).await.status, Status::DeadLettered);
}

/// Purging deletes dead letters with all that belongs to them.
pub async fn purge_dead(subject: &Subject) {
    deploy(subject, "f").await;
    ended(subject, new("f", 1), Status::DeadLettered).await;
    ended(subject, new("f", 2), Status::Succeeded).await;
    subject.store.submit(vec![new("f", 3)]).await.works();
    let all = RedriveFilter { function: function("f"), limit: 9 };
    assert_eq!(subject.store.purge(all, false).await.works(), 1);
    assert!(matches!(subject.store.invocation(id(1)).await, Err(StoreError::NotFound)));
    assert!(subject.store.invocation(id(2)).await.is_ok());
    assert!(subject.store.invocation(id(3)).await.is_ok());
    let logs = LogFilter { invocation: Some(id(1)), limit: 9, ..LogFilter::default() };
    assert!(subject.store.logs(logs).await.works().is_empty());
}

/// Or those that wait, but not those that run.
pub async fn purge_waiting(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit((1..=3).map(|number| new("f", number)).collect()).await.works();
    let running = claim_one(subject, "f").await;
    let all = RedriveFilter { function: function("f"), limit: 9 };
    assert_eq!(subject.store.purge(all, true).await.works(), 2);
    assert!(claim_all(subject, "f").await.is_empty());
    settle(subject, &running, Status::Succeeded).await;
}

/// What does not exist is not found.
pub async fn unknown_things_are_not_found(subject: &Subject) {
    let store = &subject.store;
    let nobody = RedriveFilter { function: function("nobody"), limit: 1 };
    let not_found = |error: Option<StoreError>| assert!(matches!(error, Some(StoreError::NotFound)), "{error:?}");
    not_found(store.cancel(id(1), START).await.err());
    not_found(store.retry(id(1), START).await.err());
    not_found(store.redrive(nobody.clone(), START).await.err());
    not_found(store.purge(nobody, true).await.err());
    not_found(store.invocation(id(1)).await.err());
    not_found(store.event_body(id(1)).await.err());
    not_found(store.reply(id(1)).await.err());
}
