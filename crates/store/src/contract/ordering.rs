//! Order by key.

use tidemill_core::{
    invocation::Status,
    ports::{NewInvocation, RedriveFilter, Settlement},
};

use super::make::*;

async fn three(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit((1..=3).map(|number| keyed("f", number, "a")).collect()).await.works();
}

/// Claims and ends one after the other; tells the order.
async fn drain(subject: &Subject) -> Vec<tidemill_core::InvocationId> {
    let mut order = Vec::new();
    loop {
        let claimed = claim_all(subject, "f").await;
        assert!(claimed.len() <= 1, "two of a key run at once");
        let Some(one) = claimed.first() else { return order };
        order.push(one.invocation.id);
        settle(subject, &one.invocation, Status::Succeeded).await;
    }
}

/// One of a key runs at a time, in the order they came.
pub async fn one_at_a_time(subject: &Subject) {
    three(subject).await;
    let first = claim_one(subject, "f").await;
    assert_eq!(first.id, id(1));
    assert!(claim_all(subject, "f").await.is_empty());
    assert!(settle(subject, &first, Status::Succeeded).await);
    let second = claim_one(subject, "f").await;
    assert_eq!(second.id, id(2));
    assert!(settle(subject, &second, Status::Succeeded).await);
    let third = claim_one(subject, "f").await;
    assert_eq!(third.id, id(3));
    assert!(!settle(subject, &third, Status::Succeeded).await);
}

/// While the first waits for its next attempt, the others wait too.
pub async fn a_waiting_retry_blocks(subject: &Subject) {
    three(subject).await;
    let first = claim_one(subject, "f").await;
    let failed = Settlement { available_at: at(5), ..settlement(&first, Status::Queued, START) };
    assert!(!subject.store.settle(failed).await.works().unblocked);
    assert!(claim_all(subject, "f").await.is_empty());
    subject.clock.advance(5_000_000);
    assert_eq!(drain(subject).await, [id(1), id(2), id(3)]);
}

/// A dead letter lets the next one go.
pub async fn a_dead_letter_unblocks(subject: &Subject) {
    three(subject).await;
    let first = claim_one(subject, "f").await;
    assert!(settle(subject, &first, Status::DeadLettered).await);
    assert_eq!(drain(subject).await, [id(2), id(3)]);
}

/// So does a cancelled first one.
pub async fn cancelling_the_head_unblocks(subject: &Subject) {
    three(subject).await;
    subject.store.cancel(id(1), START).await.works();
    assert_eq!(drain(subject).await, [id(2), id(3)]);
}

/// Cancelling one that is blocked frees nobody.
pub async fn cancelling_in_the_middle_keeps_order(subject: &Subject) {
    three(subject).await;
    let first = claim_one(subject, "f").await;
    subject.store.cancel(id(2), START).await.works();
    assert!(claim_all(subject, "f").await.is_empty());
    assert!(settle(subject, &first, Status::Succeeded).await);
    assert_eq!(drain(subject).await, [id(3)]);
}

/// Other keys, other functions and no key at all are not held up.
pub async fn keys_do_not_meet(subject: &Subject) {
    three(subject).await;
    deploy(subject, "g").await;
    subject.store.submit(vec![keyed("f", 4, "b"), new("f", 5), keyed("g", 6, "a")]).await.works();
    assert_eq!(ids(&claim_all(subject, "f").await), [id(1), id(4), id(5)]);
    assert_eq!(ids(&claim_all(subject, "g").await), [id(6)]);
}

fn all() -> RedriveFilter {
    RedriveFilter { function: function("f"), limit: 100 }
}

/// A redriven one goes behind those that wait.
pub async fn redriven_join_the_end(subject: &Subject) {
    three(subject).await;
    let first = claim_one(subject, "f").await;
    settle(subject, &first, Status::DeadLettered).await;
    let second = claim_one(subject, "f").await;
    assert_eq!(subject.store.redrive(all(), START).await.works(), 1);
    subject.store.submit(vec![keyed("f", 4, "a")]).await.works();
    assert!(claim_all(subject, "f").await.is_empty());
    settle(subject, &second, Status::Succeeded).await;
    assert_eq!(drain(subject).await, [id(3), id(1), id(4)]);
}

/// So does one that is run again.
pub async fn retried_join_the_end(subject: &Subject) {
    three(subject).await;
    let first = claim_one(subject, "f").await;
    settle(subject, &first, Status::Succeeded).await;
    assert_eq!(subject.store.retry(id(1), START).await.works(), function("f"));
    assert_eq!(drain(subject).await, [id(2), id(3), id(1)]);
    subject.store.retry(id(2), START).await.works();
    assert_eq!(drain(subject).await, [id(2)]);
}

/// Several redriven at once keep their order.
pub async fn redriven_together_keep_order(subject: &Subject) {
    three(subject).await;
    for _ in 0..3 {
        let invocation = claim_one(subject, "f").await;
        settle(subject, &invocation, Status::DeadLettered).await;
    }
    assert_eq!(subject.store.redrive(all(), at(1)).await.works(), 3);
    subject.clock.advance(1_000_000);
    assert_eq!(drain(subject).await, [id(1), id(2), id(3)]);
}

/// A lost lease keeps its place in line; given up, it lets the next one go.
pub async fn expiry_keeps_order(subject: &Subject) {
    three(subject).await;
    claim_one(subject, "f").await;
    subject.clock.advance(31_000_000);
    assert_eq!(subject.store.expire(at(31), None, 2).await.works(), [function("f")]);
    assert_eq!(claim_one(subject, "f").await.id, id(1));
    subject.clock.advance(31_000_000);
    assert_eq!(subject.store.expire(at(62), None, 2).await.works(), [function("f")]);
    assert_eq!(stored(subject, id(1)).await.status, Status::DeadLettered);
    assert_eq!(drain(subject).await, [id(2), id(3)]);
}

/// When waiting ones are deleted, the next in line goes.
pub async fn purging_the_head_unblocks(subject: &Subject) {
    three(subject).await;
    let purged = subject.store.purge(RedriveFilter { limit: 2, ..all() }, true).await.works();
    assert_eq!(purged, 2);
    assert_eq!(drain(subject).await, [id(3)]);
}

/// One submission may hold several of one key, some leased.
pub async fn batch_of_one_key(subject: &Subject) {
    deploy(subject, "f").await;
    let leased = |number| NewInvocation { lease: lease("n1", at(30)), ..keyed("f", number, "a") };
    subject.store.submit(vec![leased(3), leased(1), leased(2)]).await.works();
    let first = stored(subject, id(3)).await;
    assert_eq!(first.status, Status::Running);
    settle(subject, &first, Status::Succeeded).await;
    assert_eq!(drain(subject).await, [id(1), id(2)]);
}
