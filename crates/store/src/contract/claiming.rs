//! Claim, renew, due.

use bytes::Bytes;
use tidemill_core::{
    id::Generation,
    invocation::Status,
    limits::INLINE_BODY_BYTES_MAX,
    ports::{LeaseRef, NewInvocation},
};

use super::make::*;

/// The oldest available first; among equals, in the order they came.
pub async fn oldest_first(subject: &Subject) {
    deploy(subject, "f").await;
    let later = NewInvocation { available_at: at(2), ..new("f", 1) };
    subject.store.submit(vec![later, new("f", 3), new("f", 2)]).await.works();
    subject.clock.advance(3_000_000);
    let claimed = claim_all(subject, "f").await;
    assert_eq!(ids(&claimed), [id(3), id(2), id(1)]);
    let first = &claimed[0].invocation;
    assert_eq!((first.status, first.attempts, first.generation), (Status::Running, 1, Generation(1)));
    assert_eq!(first.started_at, Some(at(3)));
    assert_eq!(first.event.header("x-number"), Some("3"));
    assert_eq!(
        tidemill_core::invocation::Invocation { event: first.event.clone(), ..stored(subject, id(3)).await },
        *first
    );
}

/// No more than asked for, and of that function only.
pub async fn limit_and_function(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    subject.store.submit(vec![new("f", 1), new("g", 2), new("f", 3), new("f", 4)]).await.works();
    assert_eq!(ids(&subject.store.claim(claim("f", 2, START)).await.works()), [id(1), id(3)]);
    assert_eq!(ids(&subject.store.claim(claim("f", 2, START)).await.works()), [id(4)]);
    assert_eq!(ids(&subject.store.claim(claim("f", 2, START)).await.works()), []);
    assert_eq!(ids(&subject.store.claim(claim("g", 0, START)).await.works()), []);
}

/// A delayed one is not available before its time.
pub async fn delayed_ones_wait(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![NewInvocation { available_at: at(10), ..new("f", 1) }]).await.works();
    subject.clock.advance(9_999_999);
    assert!(claim_all(subject, "f").await.is_empty());
    subject.clock.advance(1);
    assert_eq!(ids(&claim_all(subject, "f").await), [id(1)]);
}

/// An unknown function has no work.
pub async fn nothing_for_strangers(subject: &Subject) {
    assert!(claim_all(subject, "nobody").await.is_empty());
}

/// Claimed events have their bodies; large ones are fetched apart.
pub async fn bodies_come_along(subject: &Subject) {
    deploy(subject, "f").await;
    let bodies =
        [Bytes::new(), Bytes::from(vec![1; INLINE_BODY_BYTES_MAX]), Bytes::from(vec![2; INLINE_BODY_BYTES_MAX + 1])];
    for (number, body) in (1..).zip(&bodies) {
        let mut invocation = new("f", number);
        invocation.event.body = body.clone();
        subject.store.submit(vec![invocation]).await.works();
    }
    let claimed = claim_all(subject, "f").await;
    for (number, (claimed, body)) in (1..).zip(claimed.into_iter().zip(&bodies)) {
        let invocation = claimed.invocation;
        assert_eq!(invocation.event_size, body.len() as u64);
        let comes_along = body.len() <= INLINE_BODY_BYTES_MAX;
        assert_eq!(invocation.event.body, if comes_along { body.clone() } else { Bytes::new() });
        assert_eq!(subject.store.event_body(id(number)).await.works(), *body);
    }
}

/// A renewed lease lasts; stale, ended, unknown and unwanted ones are reported.
pub async fn renewing_keeps_and_tells_lost(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit((1..=3).map(|number| new("f", number)).collect()).await.works();
    let claimed = claim_all(subject, "f").await;
    let leases: Vec<LeaseRef> = claimed.iter().map(|claimed| held(&claimed.invocation)).collect();
    settle(subject, &claimed[1].invocation, Status::Succeeded).await;
    subject.store.cancel(id(3), START).await.works();
    let stale = LeaseRef { generation: Generation(7), ..leases[0] };
    let unknown = LeaseRef { id: id(99), generation: Generation(1) };
    let asked = vec![leases[0], stale, leases[1], leases[2], unknown];
    let lost = subject.store.renew(asked, at(60)).await.works();
    assert_eq!(lost, [stale, leases[1], leases[2], unknown]);
    // The first one lasts; the third, which somebody wants cancelled, was not extended.
    subject.store.expire(at(59), None, 100).await.works();
    assert_eq!(stored(subject, id(1)).await.status, Status::Running);
    assert_eq!(stored(subject, id(3)).await.status, Status::Cancelled);
}

/// What is available now, and when more will be.
pub async fn due_tells_now_and_next(subject: &Subject) {
    for name in ["a", "b", "c", "d"] {
        deploy(subject, name).await;
    }
    assert_eq!(subject.store.due(START).await.works(), (vec![], None));
    let delayed = |name, number, seconds| NewInvocation { available_at: at(seconds), ..new(name, number) };
    subject
        .store
        .submit(vec![
            new("b", 1),
            delayed("b", 2, 9),
            delayed("a", 3, 5),
            delayed("c", 4, 7),
            keyed("d", 5, "k"),
            keyed("d", 6, "k"),
        ])
        .await
        .works();
    assert_eq!(subject.store.due(START).await.works(), (vec![function("b"), function("d")], Some(at(5))));
    assert_eq!(
        subject.store.due(at(5)).await.works(),
        (vec![function("a"), function("b"), function("d")], Some(at(7)))
    );
    claim_all(subject, "b").await;
    claim_all(subject, "d").await;
    // The second of key k is blocked, so it is not due.
    assert_eq!(subject.store.due(START).await.works(), (vec![], Some(at(5))));
    assert_eq!(subject.store.due(at(9)).await.works(), (vec![function("a"), function("b"), function("c")], None));
}
