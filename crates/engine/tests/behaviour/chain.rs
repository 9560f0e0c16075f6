//! Responses as events, and topics.

use std::time::Duration;

use tidemill_core::{ProjectName, invocation::Status, ports::StoreError};
use tidemill_engine::{CallError, SubmitError};

use crate::{
    mill::{Mill, event, name},
    stage::replied,
};

const SECOND: Duration = Duration::from_secs(1);
const FOLLOWS: &str = "triggers: {m: {kind: message, attributes: {subscribeTo: first}}}";

async fn chain() -> Mill {
    let mill = Mill::start().await;
    mill.deploy("first", "description: one").await;
    mill.deploy("left", FOLLOWS).await;
    mill.deploy("right", FOLLOWS).await;
    mill
}

#[tokio::test(start_paused = true)]
async fn a_response_reaches_its_subscribers() {
    let mill = chain().await;
    let queued = mill.submit("first", "in").await;
    mill.stage.next().await.ends(replied(200, "out"));
    mill.ended(queued).await;
    let (a, b) = (mill.stage.next().await, mill.stage.next().await);
    for begun in [a, b] {
        let event = &begun.call.events[0];
        assert_eq!((begun.body().as_str(), event.kind.as_str()), ("out", "tidemill.response"));
        assert_eq!((event.trigger.kind.as_str(), event.trigger.name.as_str()), ("message", "m"));
        begun.succeeds();
    }
    for function in ["left", "right"] {
        let all = mill.invocations(function).await;
        assert_eq!(all.iter().map(|one| one.parent).collect::<Vec<_>>(), [Some(queued)]);
    }
}

#[tokio::test(start_paused = true)]
async fn so_does_that_of_a_synchronous_call() {
    let mill = chain().await;
    let call = mill.calling("first", "in");
    mill.stage.next().await.ends(replied(201, "out"));
    let called = call.await.expect("it ends").expect("it is answered");
    let parents =
        |all: Vec<tidemill_core::invocation::Invocation>| all.into_iter().map(|one| one.parent).collect::<Vec<_>>();
    // They are on disk before the caller has the response.
    assert_eq!(parents(mill.invocations("left").await), [Some(called.id)]);
    assert_eq!(parents(mill.invocations("right").await), [Some(called.id)]);
    assert_eq!(mill.stage.next().await.body(), "out");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_does_not() {
    let mill = chain().await;
    for (status, is_sync) in [(400, true), (404, false), (500, true), (500, false)] {
        if is_sync {
            let call = mill.calling("first", "in");
            mill.stage.next().await.ends(replied(status, "no"));
            call.await.expect("it ends").expect("it is answered");
        } else {
            mill.submit("first", "in").await;
            mill.stage.next().await.ends(replied(status, "no"));
            mill.pass(SECOND / 2).await;
        }
    }
    mill.pass(SECOND / 4).await;
    assert_eq!(mill.invocations("left").await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_events_cannot_be_stored_is_no_success() {
    let mill = chain().await;
    let call = mill.calling("first", "in");
    let begun = mill.stage.next().await;
    mill.tolls.refuse("submit", 1);
    begun.succeeds();
    let error = call.await.expect("it ends").expect_err("its events are lost");
    assert!(matches!(error, CallError::Emit { source: StoreError::Full, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_deleted_meanwhile_does_not_spoil_the_result() {
    let mill = chain().await;
    mill.tolls.delay("delete_function", SECOND);
    mill.tolls.delay("settle", 2 * SECOND);
    let id = mill.submit("first", "in").await;
    let begun = mill.stage.next().await;
    begun.ends(replied(200, "out"));
    mill.engine.delete(&name("left")).await.expect("it is deleted");
    let detail = mill.ended(id).await;
    assert_eq!((detail.invocation.status, detail.attempts.len()), (Status::Succeeded, 1));
    assert_eq!(mill.stage.next().await.body(), "out");
}

#[tokio::test(start_paused = true)]
async fn a_topic_reaches_all_its_subscribers_or_none() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    let listens = "queue: {pendingMax: 2}, triggers: {m: {kind: message, attributes: {topic: orders}}}";
    mill.deploy("left", listens).await;
    mill.deploy("right", &format!("disable: true, {listens}")).await;
    let (project, topic) = (ProjectName::default(), "orders".parse().expect("a name"));
    let publish = |body: &'static str| mill.engine.publish(&project, &topic, vec![event(body)], mill.now());
    let ids = publish("a").await.expect("it is accepted");
    assert_eq!(ids.len(), 2);
    assert_eq!(mill.ended(ids[0]).await.invocation.status, Status::Succeeded);
    assert_eq!(mill.status(ids[1]).await, Status::Queued);
    mill.tolls.refuse("submit", 1);
    assert!(matches!(publish("b").await, Err(SubmitError::Store(StoreError::Full))));
    publish("c").await.expect("it is accepted");
    assert!(matches!(publish("d").await, Err(SubmitError::QueueFull { .. })), "one subscriber is full");
    mill.pass(SECOND).await;
    assert_eq!((mill.invocations("left").await.len(), mill.invocations("right").await.len()), (2, 2));
    let nobody = "nobody".parse().expect("a name");
    let none = mill.engine.publish(&project, &nobody, vec![event("x")], mill.now()).await;
    assert_eq!(none.expect("that is no error"), []);
}
