//! Settle.

use bytes::Bytes;
use tidemill_core::{
    id::Generation,
    invocation::{AttemptOutcome, Status, Timings},
    limits::INLINE_BODY_BYTES_MAX,
    ports::{Accepted, LeaseRef, LogFilter, NewInvocation, Settlement, StoreError, Submitted},
};

use super::make::*;

/// Result, attempt, log and status are there together.
pub async fn success_is_kept(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    let now = subject.clock.advance(500);
    let settlement = Settlement { logs: vec![line("hello")], ..settlement(&invocation, Status::Succeeded, now) };
    let settled = subject.store.settle(settlement.clone()).await.works();
    assert!(!settled.unblocked && settled.emits.is_empty());

    let detail = subject.store.invocation(id(1)).await.works();
    let found = &detail.invocation;
    assert_eq!(
        (found.status, found.finished_at, found.outcome),
        (Status::Succeeded, Some(now), Some(AttemptOutcome::Succeeded))
    );
    assert_eq!((found.response_status, found.reason.as_str(), found.failures), (Some(200), "", 0));
    assert_eq!(detail.attempts, [settlement.attempt]);
    assert_eq!(subject.store.reply(id(1)).await.works(), Some(reply(200, "done")));
    let logs =
        subject.store.logs(LogFilter { invocation: Some(id(1)), limit: 10, ..LogFilter::default() }).await.works();
    assert_eq!(logs.len(), 1);
    assert_eq!((logs[0].attempt, logs[0].line.clone()), (1, line("hello")));
}

/// Who holds an older lease cannot settle.
pub async fn stale_generation_is_refused(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let first = claim_one(subject, "f").await;
    subject.store.expire(at(31), None, 100).await.works();
    subject.clock.advance(31_000_000);
    let second = claim_one(subject, "f").await;
    assert_eq!((second.generation, second.attempts, second.interruptions), (Generation(2), 2, 1));
    let refused = subject.store.settle(settlement(&first, Status::Succeeded, at(32))).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    assert_eq!(stored(subject, id(1)).await.status, Status::Running);
    settle(subject, &second, Status::Succeeded).await;
}

/// A settled one, and one that does not exist, cannot be settled.
pub async fn settled_once(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    settle(subject, &invocation, Status::DeadLettered).await;
    let again = settlement(&invocation, Status::Succeeded, START);
    assert!(matches!(subject.store.settle(again.clone()).await, Err(StoreError::Stale)));
    let unknown = Settlement { lease: LeaseRef { id: id(9), generation: Generation(1) }, ..again };
    assert!(matches!(subject.store.settle(unknown).await, Err(StoreError::Stale)));
    assert_eq!(stored(subject, id(1)).await.status, Status::DeadLettered);
}

/// A failed attempt waits for its next one.
pub async fn retry_waits(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    let failed = Settlement { available_at: at(5), ..settlement(&invocation, Status::Queued, START) };
    subject.store.settle(failed).await.works();
    let waiting = stored(subject, id(1)).await;
    assert_eq!((waiting.status, waiting.available_at, waiting.failures), (Status::Queued, at(5), 1));
    assert_eq!((waiting.finished_at, waiting.reason.as_str()), (None, "ValueError: no"));
    assert!(claim_all(subject, "f").await.is_empty());
    subject.clock.advance(5_000_000);
    let second = claim_one(subject, "f").await;
    assert_eq!((second.attempts, second.generation, second.failures), (2, Generation(2), 1));
    settle(subject, &second, Status::Succeeded).await;
    let attempts = subject.store.invocation(id(1)).await.works().attempts;
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2]);
}

/// Nothing is settled as running.
pub async fn running_is_no_end(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    let refused = subject.store.settle(settlement(&invocation, Status::Running, START)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    settle(subject, &invocation, Status::Succeeded).await;
}

/// When one part of a settlement is refused, no part of it takes place.
pub async fn everything_or_nothing(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    let bad = Settlement {
        logs: vec![line("hello")],
        emits: vec![new("f", 2), new("nobody", 3)],
        ..settlement(&invocation, Status::Succeeded, START)
    };
    assert!(matches!(subject.store.settle(bad).await, Err(StoreError::NotFound)));
    let detail = subject.store.invocation(id(1)).await.works();
    assert_eq!((detail.invocation.status, detail.attempts.len()), (Status::Running, 0));
    assert_eq!(subject.store.reply(id(1)).await.works(), None);
    assert!(subject.store.logs(LogFilter { limit: 10, ..LogFilter::default() }).await.works().is_empty());
    assert!(matches!(subject.store.invocation(id(2)).await, Err(StoreError::NotFound)));
    settle(subject, &invocation, Status::Succeeded).await;
}

/// Emitted events are stored with the result, leased where asked.
pub async fn emits_are_stored(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    let emits = vec![
        NewInvocation { parent: Some(id(1)), lease: lease("n1", at(30)), ..new("g", 2) },
        NewInvocation { idempotency_key: Some("k".into()), ..new("g", 3) },
        NewInvocation { idempotency_key: Some("k".into()), ..new("g", 4) },
    ];
    let settled =
        subject.store.settle(Settlement { emits, ..settlement(&invocation, Status::Succeeded, START) }).await.works();
    let accepted = |number, leased| Submitted::Accepted(Accepted { id: id(number), leased });
    assert_eq!(settled.emits, [accepted(2, true), accepted(3, false), Submitted::Duplicate(id(3))]);
    let child = stored(subject, id(2)).await;
    assert_eq!((child.parent, child.status), (Some(id(1)), Status::Running));
}

/// The newest attempt's response is the response; without one there is none.
pub async fn a_reply_is_replaced(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    for body in ["first", "second"] {
        let invocation = claim_one(subject, "f").await;
        let settlement = Settlement { reply: Some(reply(500, body)), ..settlement(&invocation, Status::Queued, START) };
        subject.store.settle(settlement).await.works();
        assert_eq!(subject.store.reply(id(1)).await.works(), Some(reply(500, body)));
    }
    let invocation = claim_one(subject, "f").await;
    settle(subject, &invocation, Status::DeadLettered).await;
    assert_eq!(subject.store.reply(id(1)).await.works(), None);
    assert_eq!(stored(subject, id(1)).await.response_status, None);
}

/// What somebody wants cancelled is not queued again; a result that comes all the same stands.
pub async fn cancel_wins_over_retry(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1), new("f", 2)]).await.works();
    for (claimed, asked, status) in claim_all(subject, "f")
        .await
        .into_iter()
        .zip([(Status::Queued, Status::Cancelled), (Status::Succeeded, Status::Succeeded)])
        .map(|(claimed, (asked, status))| (claimed.invocation, asked, status))
    {
        subject.store.cancel(claimed.id, START).await.works();
        settle(subject, &claimed, asked).await;
        let found = stored(subject, claimed.id).await;
        assert_eq!((found.status, found.finished_at), (status, Some(START)));
    }
    assert!(claim_all(subject, "f").await.is_empty());
}

/// The parts add up to the whole, the store's own share included.
pub async fn timings_add_up(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    subject.clock.advance(100);
    let invocation = claim_one(subject, "f").await;
    let ended_at = subject.clock.advance(50);
    let now = subject.clock.advance(20);
    let timings = Timings { received_us: 7, queued_us: 93, user_code_us: 40, transfer_us: 10, ..Timings::default() };
    let mut settlement = Settlement { timings, ..settlement(&invocation, Status::Succeeded, now) };
    settlement.attempt.finished_at = ended_at;
    subject.store.settle(settlement).await.works();
    let found = stored(subject, id(1)).await;
    assert_eq!(found.timings, Timings { commit_us: 20, ..timings });
    assert_eq!(found.finished_at.works().since(found.received_at).as_micros(), u128::from(found.timings.total_us()));
}

/// Large responses come back.
pub async fn big_replies_come_back(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let body = Bytes::from(vec![3; INLINE_BODY_BYTES_MAX * 3]);
    let invocation = claim_one(subject, "f").await;
    let settlement =
        Settlement { reply: Some(reply(200, body.clone())), ..settlement(&invocation, Status::Succeeded, START) };
    subject.store.settle(settlement).await.works();
    assert_eq!(subject.store.reply(id(1)).await.works().works().body, body);
    assert!(matches!(subject.store.reply(id(2)).await, Err(StoreError::NotFound)));
}
