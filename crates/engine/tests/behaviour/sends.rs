//! Messages that executions send.

use std::time::Duration;

use tidemill_core::{
    FunctionName, ProjectName,
    invocation::{AttemptOutcome, Status},
    ports::Message,
};

use crate::{
    mill::{Mill, name, outcomes},
    stage::{changed, message, replied},
};

const SECOND: Duration = Duration::from_secs(1);

async fn pair() -> Mill {
    let mill = Mill::start().await;
    mill.deploy("sender", "state: function, retry: {maxAttempts: 2, initial: 1s}").await;
    mill.deploy("receiver", "ordering: key").await;
    mill
}

#[tokio::test(start_paused = true)]
async fn they_leave_with_the_success_of_their_execution() {
    let mill = pair().await;
    let target = mill.target("sender");
    let mut event = crate::mill::event("");
    event.caller = "ada".into();
    let id = mill.engine.submit(&target, event, Default::default()).await.expect("it is accepted").id;
    let send = Message {
        key: Some("k".into()),
        headers: vec![("x-a".into(), "b".into())],
        content_type: "text/plain".into(),
        ..message("receiver", "hello")
    };
    let begun = mill.stage.next().await;
    assert!(mill.invocations("receiver").await.is_empty());
    begun.ends_as(changed("", Some("1"), vec![send, message("receiver", "again")]));
    mill.ended(id).await;
    let received = mill.invocations("receiver").await;
    assert_eq!(mill.bodies("receiver").await, ["hello", "again"]);
    assert_eq!(received.iter().map(|one| one.key.as_deref()).collect::<Vec<_>>(), [Some("k"), Some("")]);
    let first = &received[0];
    assert_eq!((first.parent, first.event.caller.as_str()), (Some(id), "ada"));
    let event = &first.event;
    assert_eq!((event.trigger.kind.as_str(), event.trigger.name.as_str()), ("message", "send"));
    assert_eq!((event.kind.as_str(), event.source.as_str()), ("tidemill.message", "/f/sender"));
    assert_eq!((event.header("x-a"), event.content_type.as_str()), (Some("b"), "text/plain"));
}

#[tokio::test(start_paused = true)]
async fn those_of_a_failed_execution_do_not() {
    let mill = pair().await;
    let id = mill.submit("sender", "").await;
    let mut end = changed("", Some("1"), vec![message("receiver", "never"), message("nobody", "x")]);
    end.outcome = replied(500, "");
    mill.stage.next().await.ends_as(end);
    let again = mill.stage.next().await;
    assert_eq!(crate::stage::state(&again.call), Some(""), "nor does the state change");
    again.ends_as(changed("", None, vec![message("receiver", "once")]));
    mill.ended(id).await;
    assert_eq!(mill.bodies("receiver").await, ["once"]);
}

#[tokio::test(start_paused = true)]
async fn one_to_nobody_spoils_the_execution() {
    let mill = pair().await;
    let id = mill.submit("sender", "").await;
    for _ in 0..2 {
        let sends = vec![message("receiver", "dropped"), message("nobody", "x")];
        mill.stage.next().await.ends_as(changed("", Some("1"), sends));
    }
    let detail = mill.ended(id).await;
    assert_eq!(outcomes(&detail), [AttemptOutcome::BadResponse; 2]);
    assert_eq!(detail.invocation.status, Status::DeadLettered);
    assert_eq!(detail.invocation.reason, "sent a message to nobody, which is no function of the project");
    assert!(mill.invocations("receiver").await.is_empty());
    assert_eq!(mill.state("sender", "").await, None);
}

#[tokio::test(start_paused = true)]
async fn one_may_be_addressed_by_an_alias_and_to_itself() {
    let mill = pair().await;
    let function: FunctionName = "receiver".parse().expect("a name");
    let made = mill.engine.directory().create_alias(&ProjectName::default(), "post", function, "ada").await;
    made.expect("it is made");
    mill.submit("sender", "first").await;
    mill.stage.next().await.ends_as(changed("", None, vec![message("post", "by alias"), message("sender", "second")]));
    mill.until("both are sent", || mill.view("receiver").queued + mill.view("receiver").running > 0).await;
    let (a, b) = (mill.stage.next().await, mill.stage.next().await);
    let mut bodies = [a.body(), b.body()];
    bodies.sort();
    assert_eq!(bodies, ["by alias", "second"]);
}

#[tokio::test(start_paused = true)]
async fn one_may_wait() {
    let mill = pair().await;
    mill.submit("sender", "").await;
    let late = Message { delay: 90 * SECOND, ..message("receiver", "late") };
    mill.stage.next().await.ends_as(changed("", None, vec![late]));
    let sent = mill.now();
    let begun = mill.stage.next().await;
    let waited = mill.now().since(sent);
    assert!((90 * SECOND..91 * SECOND).contains(&waited), "it waited {waited:?}");
    begun.succeeds();
}

#[tokio::test(start_paused = true)]
async fn a_function_deleted_in_between_gets_none_and_holds_up_nobody() {
    let mill = pair().await;
    mill.deploy("other", "description: stays").await;
    mill.tolls.delay("settle", 5 * SECOND);
    let id = mill.submit("sender", "").await;
    mill.stage.next().await.ends_as(changed("", Some("1"), vec![message("receiver", "x"), message("other", "y")]));
    mill.pass(SECOND).await;
    mill.engine.delete(&name("receiver")).await.expect("it is deleted");
    assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    assert_eq!(mill.state("sender", "").await, Some(("1".into(), 1)));
    assert_eq!(mill.bodies("other").await, ["y"]);
}

#[tokio::test(start_paused = true)]
async fn a_called_function_without_state_sends_before_it_answers() {
    let mill = Mill::start().await;
    mill.deploy("plain", "description: no state").await;
    mill.deploy("receiver", "description: it").await;
    let call = mill.calling("plain", "");
    mill.stage.next().await.ends_as(changed("out", None, vec![message("receiver", "hello")]));
    let called = call.await.expect("it ends").expect("it is answered");
    assert!(called.succeeded);
    let received = mill.invocations("receiver").await;
    assert_eq!(received.iter().map(|one| one.parent).collect::<Vec<_>>(), [Some(called.id)]);
    mill.stage.next().await.succeeds();
    let call = mill.calling("plain", "");
    mill.stage.next().await.ends_as(changed("out", None, vec![message("nobody", "hello")]));
    let called = call.await.expect("it ends").expect("it is answered");
    assert_eq!((called.succeeded, called.reply.status), (false, 500));
    let body = "sent a message to nobody, which is no function of the project\n";
    assert_eq!(called.reply.body, body);
}

#[tokio::test(start_paused = true)]
async fn a_result_is_kept_though_it_cannot_be_seen_who_is_gone() {
    let mill = pair().await;
    mill.deploy("other", "description: it").await;
    let id = mill.submit("sender", "").await;
    let begun = mill.stage.next().await;
    mill.tolls.delay("settle", SECOND);
    let sends = vec![message("receiver", "lost"), message("other", "kept")];
    begun.ends_as(changed("", Some("1"), sends));
    mill.until("it is being stored", || mill.tolls.count("settle") == 1).await;
    // While the result is being stored one addressee is deleted, and then functions cannot be read for a while.
    mill.engine.delete(&name("receiver")).await.expect("it is deleted");
    mill.tolls.refuse("functions", 3);
    let detail = mill.ended(id).await;
    assert_eq!((detail.invocation.status, outcomes(&detail)), (Status::Succeeded, vec![AttemptOutcome::Succeeded]));
    assert_eq!(mill.bodies("other").await, ["kept"]);
    assert_eq!(mill.state("sender", "").await, Some(("1".into(), 1)));
}
