//! The history of synchronous calls.

use bytes::Bytes;
use tidemill_core::{
    id::{Generation, RevisionNumber},
    invocation::{Attempt, AttemptOutcome, Invocation, Status, Timings},
    ports::{HistoryRecord, LogFilter, StoreError},
};

use super::make::*;

/// A synchronous call that failed.
pub(super) fn call(name: &str, number: u64) -> HistoryRecord {
    let new = new(name, number);
    HistoryRecord {
        invocation: Invocation {
            id: new.id,
            function: new.function,
            status: Status::Failed,
            event_size: new.event.body.len() as u64,
            event: new.event,
            key: None,
            idempotency_key: None,
            parent: None,
            attempts: 1,
            failures: 1,
            interruptions: 0,
            generation: Generation(0),
            received_at: START,
            available_at: START,
            started_at: Some(START),
            finished_at: Some(at(1)),
            outcome: Some(AttemptOutcome::Raised),
            reason: "ValueError: no".into(),
            response_status: Some(500),
            timings: Timings {
                received_us: 1,
                queued_us: 2,
                cold_start_us: 3,
                user_code_us: 4,
                transfer_us: 5,
                commit_us: 6,
            },
        },
        attempt: Attempt {
            number: 1,
            revision: Some(RevisionNumber(1)),
            worker: "w-1".into(),
            started_at: START,
            finished_at: at(1),
            outcome: AttemptOutcome::Raised,
            reason: "ValueError: no".into(),
            report: None,
        },
        reply: Some(reply(500, "ValueError: no")),
        logs: vec![line("before")],
    }
}

/// A recorded call reads like any other invocation.
pub async fn calls_are_recorded(subject: &Subject) {
    deploy(subject, "f").await;
    let record = call("f", 1);
    subject.store.record(vec![record.clone(), call("f", 2)]).await.works();
    let detail = subject.store.invocation(id(1)).await.works();
    let mut expected = record.invocation;
    expected.event.body = Bytes::new();
    assert_eq!(detail.invocation, expected);
    assert_eq!(detail.attempts, [record.attempt]);
    assert_eq!(subject.store.reply(id(1)).await.works(), record.reply);
    let logs =
        subject.store.logs(LogFilter { invocation: Some(id(1)), limit: 9, ..LogFilter::default() }).await.works();
    assert_eq!(logs.len(), 1);
    assert!(claim_all(subject, "f").await.is_empty());
}

/// Records of functions that are gone are dropped; the others are kept.
pub async fn calls_of_unknown_functions_are_dropped(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.record(vec![call("nobody", 1), call("f", 2)]).await.works();
    assert!(matches!(subject.store.invocation(id(1)).await, Err(StoreError::NotFound)));
    assert!(subject.store.invocation(id(2)).await.is_ok());
}

/// Without its body an event cannot run again.
pub async fn unkept_event_cannot_run_again(subject: &Subject) {
    deploy(subject, "f").await;
    let mut record = call("f", 1);
    record.invocation.event.body = Bytes::new();
    subject.store.record(vec![record]).await.works();
    assert!(matches!(subject.store.event_body(id(1)).await, Err(StoreError::NotFound)));
    assert!(matches!(subject.store.retry(id(1), START).await, Err(StoreError::Conflict(_))));
    assert_eq!(stored(subject, id(1)).await.status, Status::Failed);
}

/// With it, it can, also when it is empty.
pub async fn kept_event_can_run_again(subject: &Subject) {
    deploy(subject, "f").await;
    let mut empty = call("f", 2);
    empty.invocation.event.body = Bytes::new();
    empty.invocation.event_size = 0;
    subject.store.record(vec![call("f", 1), empty]).await.works();
    subject.store.retry(id(1), START).await.works();
    subject.store.retry(id(2), START).await.works();
    let claimed = claim_all(subject, "f").await;
    assert_eq!(ids(&claimed), [id(1), id(2)]);
    assert_eq!(claimed[0].invocation.event.body, "1");
    assert_eq!((claimed[0].invocation.attempts, claimed[0].invocation.generation), (2, Generation(1)));
}

/// What has not ended is no history.
pub async fn unfinished_is_refused(subject: &Subject) {
    deploy(subject, "f").await;
    let mut record = call("f", 2);
    record.invocation.status = Status::Running;
    let refused = subject.store.record(vec![call("f", 1), record]).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert!(matches!(subject.store.invocation(id(1)).await, Err(StoreError::NotFound)));
}

/// The same record twice is one.
pub async fn recorded_twice_is_once(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.record(vec![call("f", 1), call("f", 1)]).await.works();
    subject.store.record(vec![call("f", 1)]).await.works();
    let logs =
        subject.store.logs(LogFilter { invocation: Some(id(1)), limit: 9, ..LogFilter::default() }).await.works();
    assert_eq!(logs.len(), 1);
}
