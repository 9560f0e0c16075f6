//! Submit.

use bytes::Bytes;
use tidemill_core::{
    id::Generation,
    invocation::Status,
    limits::INLINE_BODY_BYTES_MAX,
    ports::{Accepted, NewInvocation, StoreError, Submitted},
};

use super::make::*;

fn accepted(number: u64) -> Submitted {
    Submitted::Accepted(Accepted { id: id(number), leased: false })
}

/// What was accepted is there as it came.
pub async fn accepted_is_kept(subject: &Subject) {
    deploy(subject, "f").await;
    let big = Bytes::from(vec![b'x'; INLINE_BODY_BYTES_MAX + 1]);
    let mut second = NewInvocation { parent: Some(id(1)), available_at: at(5), ..new("f", 2) };
    second.event.body = big.clone();
    let submitted = subject.store.submit(vec![new("f", 1), second.clone()]).await.works();
    assert_eq!(submitted, [accepted(1), accepted(2)]);

    let first = stored(subject, id(1)).await;
    assert_eq!((first.status, first.event_size, first.generation), (Status::Queued, 1, Generation(0)));
    assert_eq!((first.attempts, first.started_at, first.timings.received_us), (0, None, 7));
    assert!(first.event.body.is_empty());
    assert_eq!(subject.store.event_body(id(1)).await.works(), "1");

    let found = stored(subject, id(2)).await;
    assert_eq!((found.parent, found.available_at, found.received_at), (Some(id(1)), at(5), START));
    assert_eq!(found.event_size, big.len() as u64);
    assert_eq!(found.event, tidemill_core::Event { body: Bytes::new(), ..second.event });
    assert_eq!(subject.store.event_body(id(2)).await.works(), big);
    assert_eq!(subject.store.reply(id(2)).await.works(), None);
}

/// One unknown function refuses all.
pub async fn unknown_function_refuses_all(subject: &Subject) {
    deploy(subject, "f").await;
    let refused = subject.store.submit(vec![new("f", 1), new("g", 2)]).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    assert!(matches!(subject.store.invocation(id(1)).await, Err(StoreError::NotFound)));
}

/// The first answer to an idempotency key is the answer to all, within one submission too.
pub async fn idempotency_key_gives_the_first(subject: &Subject) {
    deploy(subject, "f").await;
    let once = |number| NewInvocation { idempotency_key: Some("k".into()), ..new("f", number) };
    let submitted = subject.store.submit(vec![once(1), once(2), new("f", 3)]).await.works();
    assert_eq!(submitted, [accepted(1), Submitted::Duplicate(id(1)), accepted(3)]);
    assert_eq!(subject.store.submit(vec![once(4)]).await.works(), [Submitted::Duplicate(id(1))]);
    assert_eq!(claim_all(subject, "f").await.len(), 2);
}

/// Idempotency keys of two functions do not meet.
pub async fn idempotency_key_is_per_function(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    let once = |name, number| NewInvocation { idempotency_key: Some("k".into()), ..new(name, number) };
    let submitted = subject.store.submit(vec![once("f", 1), once("g", 2)]).await.works();
    assert_eq!(submitted, [accepted(1), accepted(2)]);
}

/// Submitting again what was submitted changes nothing: who lost the answer may ask again.
pub async fn same_id_twice_is_one(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    assert_eq!(subject.store.submit(vec![new("f", 1)]).await.works(), [Submitted::Duplicate(id(1))]);
    assert_eq!(ids(&claim_all(subject, "f").await), [id(1)]);
}

/// A lease that comes with the submission is the first.
pub async fn a_lease_is_granted(subject: &Subject) {
    deploy(subject, "f").await;
    let now = subject.clock.advance(1_000_000);
    let submitted =
        subject.store.submit(vec![NewInvocation { lease: lease("n1", at(30)), ..new("f", 1) }]).await.works();
    assert_eq!(submitted, [Submitted::Accepted(Accepted { id: id(1), leased: true })]);
    let found = stored(subject, id(1)).await;
    assert_eq!((found.status, found.generation, found.attempts), (Status::Running, Generation(1), 1));
    assert_eq!(found.started_at, Some(now));
    assert!(claim_all(subject, "f").await.is_empty());
    settle(subject, &found, Status::Succeeded).await;
    assert_eq!(stored(subject, id(1)).await.status, Status::Succeeded);
}

/// No lease while the key has one before it; the first of a key gets it.
pub async fn a_lease_waits_for_its_key(subject: &Subject) {
    deploy(subject, "f").await;
    let leased = |number| NewInvocation { lease: lease("n1", at(30)), ..keyed("f", number, "a") };
    let submitted = subject.store.submit(vec![leased(1), leased(2)]).await.works();
    assert_eq!(submitted, [Submitted::Accepted(Accepted { id: id(1), leased: true }), accepted(2)]);
    assert_eq!(stored(subject, id(2)).await.status, Status::Queued);
    assert!(claim_all(subject, "f").await.is_empty());
}

/// Nothing to submit is fine.
pub async fn empty_submission(subject: &Subject) {
    assert_eq!(subject.store.submit(Vec::new()).await.works(), []);
}
