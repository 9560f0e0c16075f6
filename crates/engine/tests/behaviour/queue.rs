//! Accepting events, and what happens to the queue on demand.

use std::time::Duration;

use tidemill_core::{
    invocation::{AttemptOutcome, Status},
    ports::{CancelResult, Store, StoreError},
};
use tidemill_engine::{SubmitError, SubmitOptions};

use crate::{
    mill::{Mill, event, name, outcomes},
    stage::{bodies, replied},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_free_slot_gets_the_event_directly() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0").await;
    mill.pass(SECOND).await;
    let claims = mill.tolls.count("claim");
    let id = mill.submit("f", "body").await;
    assert_eq!(mill.status(id).await, Status::Running);
    mill.stage.next().await.ends(replied(200, "done"));
    assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    mill.pass(10 * SECOND).await;
    assert_eq!(mill.tolls.count("claim"), claims);
    let reply = mill.store.reply(id).await.expect("it is stored").expect("there is one");
    assert_eq!(reply.body, "done");
}

#[tokio::test(start_paused = true)]
async fn without_a_free_slot_it_is_queued_and_runs_in_its_turn() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0").await;
    let mut ids = Vec::new();
    for number in 0..60 {
        ids.push(mill.submit("f", &number.to_string()).await);
    }
    let queued = mill.engine.function(&name("f")).expect("it is there").queued;
    assert!(queued > 10, "{queued}");
    for number in 0..60 {
        let begun = mill.stage.next().await;
        assert_eq!(begun.body(), number.to_string());
        begun.succeeds();
    }
    for id in ids {
        assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    }
    let view = mill.engine.function(&name("f")).expect("it is there");
    assert_eq!((view.queued, view.running), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses() {
    let mill = Mill::start().await;
    mill.deploy("f", "disable: true, queue: {pendingMax: 2}").await;
    mill.submit("f", "a").await;
    mill.submit("f", "b").await;
    let refused = mill.try_submit("f", "c", SubmitOptions::default()).await;
    assert!(matches!(refused, Err(SubmitError::QueueFull { pending: 2, .. })), "{refused:?}");
    mill.engine.purge(&name("f"), true, 1).await.expect("it is purged");
    mill.submit("f", "c").await;
    let target = mill.target("f");
    let many = mill.engine.submit_all(&target, vec![event("d"), event("e")], SubmitOptions::default()).await;
    assert!(matches!(many, Err(SubmitError::QueueFull { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_the_store_refuses_is_not_accepted() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy("f", "maxReplicas: 1").await;
    mill.tolls.refuse("submit", 1);
    let refused = mill.try_submit("f", "a", SubmitOptions::default()).await;
    assert!(matches!(refused, Err(SubmitError::Store(StoreError::Full))));
    let view = mill.engine.function(&name("f")).expect("it is there");
    assert_eq!((view.queued, view.running), (0, 0));
    let id = mill.submit("f", "b").await;
    assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_is_answered_once() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let options = SubmitOptions { idempotency_key: Some("once".into()), ..SubmitOptions::default() };
    let target = mill.target("f");
    let first = mill.engine.submit(&target, event("a"), options.clone()).await.expect("it is accepted");
    let again = mill.engine.submit(&target, event("a"), options).await.expect("it is accepted");
    assert_eq!((first.is_duplicate, again.is_duplicate, again.id), (false, true, first.id));
    mill.stage.next().await.succeeds();
    mill.ended(first.id).await;
    mill.pass(60 * SECOND).await;
    assert!(mill.stage.peek().is_none(), "it runs once");
    let view = mill.engine.function(&name("f")).expect("it is there");
    assert_eq!((view.queued, view.running), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_event_runs_at_its_time() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy("f", "description: one").await;
    let due = mill.now() + 90 * SECOND;
    let options = SubmitOptions { available_at: Some(due), ..SubmitOptions::default() };
    let id = mill.try_submit("f", "later", options).await.expect("it is accepted");
    let soon = mill.submit("f", "now").await;
    assert_eq!(mill.ended(soon).await.invocation.status, Status::Succeeded);
    assert_eq!(mill.status(id).await, Status::Queued);
    let detail = mill.ended(id).await;
    let late = detail.attempts[0].started_at.since(due);
    assert!(detail.attempts[0].started_at >= due && late <= SECOND / 100, "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn cancelling_what_waits() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0").await;
    let first = mill.submit_keyed("f", "k", "first").await;
    let begun = mill.stage.next().await;
    let second = mill.submit_keyed("f", "k", "second").await;
    let third = mill.submit_keyed("f", "k", "third").await;
    assert_eq!(mill.engine.cancel(second).await.expect("it waits"), CancelResult::Cancelled);
    assert_eq!(mill.ended(second).await.invocation.status, Status::Cancelled);
    begun.succeeds();
    let next = mill.stage.next().await;
    assert_eq!(next.body(), "third");
    next.succeeds();
    for id in [first, third] {
        assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    }
    assert!(matches!(mill.engine.cancel(first).await, Err(StoreError::Conflict(_))));
}

#[tokio::test(start_paused = true)]
async fn cancelling_what_runs() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0").await;
    let id = mill.submit("f", "running").await;
    let _begun = mill.stage.next().await;
    let held = mill.submit("f", "held, without a worker yet").await;
    mill.pass(SECOND).await;
    assert_eq!(mill.status(held).await, Status::Running);
    assert_eq!(mill.engine.cancel(held).await.expect("it is held"), CancelResult::Requested);
    assert_eq!(mill.ended(held).await.invocation.status, Status::Cancelled);
    assert_eq!(mill.stage.cancelled(), []);
    assert_eq!(mill.engine.cancel(id).await.expect("it runs"), CancelResult::Requested);
    let detail = mill.ended(id).await;
    assert_eq!((detail.invocation.status, outcomes(&detail)), (Status::Cancelled, vec![AttemptOutcome::Cancelled]));
    assert_eq!(mill.stage.cancelled(), [id]);
    // The next one finds a worker again.
    let next = mill.submit("f", "next").await;
    mill.stage.next().await.succeeds();
    assert_eq!(mill.ended(next).await.invocation.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn retry_redrive_and_purge() {
    let mill = Mill::start().await;
    mill.stage.script(|_, _| (Duration::ZERO, replied(500, "no")));
    mill.deploy("f", "retry: {maxAttempts: 1}").await;
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(mill.submit("f", &number.to_string()).await);
    }
    for id in &ids {
        assert_eq!(mill.ended(*id).await.invocation.status, Status::DeadLettered);
    }
    mill.stage.succeed(Duration::ZERO);
    mill.engine.retry(ids[3]).await.expect("it has ended");
    let detail = mill.ended(ids[3]).await;
    assert_eq!(detail.invocation.status, Status::Succeeded);
    assert_eq!(outcomes(&detail), [AttemptOutcome::Raised, AttemptOutcome::Succeeded]);
    assert_eq!(mill.engine.redrive(&name("f"), 2).await.expect("they are queued"), 2);
    for id in &ids[..2] {
        assert_eq!(mill.ended(*id).await.invocation.status, Status::Succeeded);
    }
    assert_eq!(mill.status(ids[2]).await, Status::DeadLettered);
    assert_eq!(mill.engine.purge(&name("f"), false, 10).await.expect("it is deleted"), 1);
    assert!(matches!(mill.store.invocation(ids[2]).await, Err(StoreError::NotFound)));
}

#[tokio::test(start_paused = true)]
async fn purging_the_first_in_line_frees_the_next() {
    let mill = Mill::start().await;
    mill.stage.script(|_, call| (Duration::ZERO, replied(if bodies(call)[0] == "bad" { 500 } else { 200 }, "")));
    mill.deploy("f", "retry: {initial: 1h, max: 1h}").await;
    let bad = mill.submit_keyed("f", "k", "bad").await;
    let good = mill.submit_keyed("f", "k", "good").await;
    mill.pass(SECOND).await;
    assert_eq!((mill.status(bad).await, mill.status(good).await), (Status::Queued, Status::Queued));
    mill.engine.purge(&name("f"), true, 1).await.expect("it is purged");
    assert_eq!(mill.ended(good).await.invocation.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn little_is_held_while_nobody_knows_how_long_a_call_takes() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 2, minReplicas: 0").await;
    for number in 0..50 {
        mill.submit("f", &number.to_string()).await;
    }
    mill.pass(SECOND).await;
    let of = |status| move |one: &tidemill_core::invocation::Invocation| one.status == status;
    assert_eq!(mill.invocations("f").await.into_iter().filter(of(Status::Running)).count(), 4);
    let view = mill.engine.function(&name("f")).expect("it is there");
    assert_eq!((view.queued, view.running), (48, 2), "what is held for a worker waits");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_worker_counts_towards_a_full_queue() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0, queue: {pendingMax: 2}").await;
    mill.submit("f", "runs").await;
    let begun = mill.stage.next().await;
    for body in ["waits", "waits too"] {
        mill.submit("f", body).await;
        mill.pass(SECOND).await;
    }
    let refused = mill.try_submit("f", "one too many", SubmitOptions::default()).await;
    assert!(matches!(refused, Err(SubmitError::QueueFull { pending: 2, .. })), "{refused:?}");
    begun.succeeds();
    mill.stage.next().await;
    mill.submit("f", "has room").await;
}
