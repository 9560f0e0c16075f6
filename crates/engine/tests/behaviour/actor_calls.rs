//! Synchronous calls of functions with state.

use std::time::Duration;

use tidemill_core::{
    invocation::{AttemptOutcome, Status},
    ports::{CallOutcome, RedriveFilter, Store},
};
use tidemill_engine::CallError;

use crate::{
    mill::{GRACE, Mill, name, outcomes},
    stage::{broken, changed, message, printed, replied, state},
};

const SECOND: Duration = Duration::from_secs(1);
const ACTOR: &str = "state: function";

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_once_its_effects_are_on_disk() {
    let mill = Mill::start().await;
    mill.deploy("actor", ACTOR).await;
    mill.deploy("receiver", "description: it").await;
    let call = mill.calling("actor", "in");
    let begun = mill.stage.next().await;
    assert_eq!((begun.body().as_str(), state(&begun.call)), ("in", Some("")));
    mill.pass(2 * SECOND).await;
    let mut end = changed("out", Some("1"), vec![message("receiver", "x")]);
    end.logs = vec![printed("hello")];
    begun.ends_as(end);
    let called = call.await.expect("it ends").expect("it is answered");
    assert_eq!((called.succeeded, called.reply.status, called.reply.body.as_ref()), (true, 200, b"out".as_ref()));
    assert_eq!(called.logs.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), ["hello"]);
    assert!(called.timings.total_us() >= 2_000_000, "{:?}", called.timings);
    assert_eq!(mill.state("actor", "").await, Some(("1".into(), 1)));
    assert_eq!(mill.bodies("receiver").await, ["x"]);
    assert_eq!(mill.status(called.id).await, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_call_stands_in_line_with_messages() {
    let mill = Mill::start().await;
    mill.deploy("actor", ACTOR).await;
    let queued = mill.submit("actor", "first").await;
    let begun = mill.stage.next().await;
    let call = mill.calling("actor", "second");
    mill.pass(5 * SECOND).await;
    assert!(mill.stage.peek().is_none());
    begun.ends_as(changed("", Some("1"), Vec::new()));
    mill.ended(queued).await;
    let begun = mill.stage.next().await;
    assert_eq!((begun.body().as_str(), state(&begun.call)), ("second", Some("1")));
    // Longer than calls wait for a worker: it has one.
    mill.pass(60 * SECOND).await;
    begun.succeeds();
    assert!(call.await.expect("it ends").expect("it is answered").succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_turn_does_not_come_leaves_no_trace() {
    let mill = Mill::start().await;
    mill.deploy("actor", ACTOR).await;
    let queued = mill.submit("actor", "long").await;
    let begun = mill.stage.next().await;
    let began = mill.now();
    let error = mill.call("actor", "late").await.expect_err("it never begins");
    assert!(matches!(error, CallError::NoWorker { .. }), "{error}");
    assert_eq!(mill.now().since(began).as_secs(), 10, "as long as calls wait for a worker");
    begun.succeeds();
    mill.ended(queued).await;
    mill.pass(60 * SECOND).await;
    assert!(mill.stage.peek().is_none(), "it runs though nobody waits for it");
    assert_eq!(mill.view("actor").queued, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_is_not_tried_again() {
    let mill = Mill::start().await;
    mill.deploy("actor", &format!("{ACTOR}, eventTimeout: 5s")).await;
    let raised = CallOutcome::Raised { message: "ValueError: no".into(), status: 422 };
    for (outcome, status, body) in [
        (raised, 422, "ValueError: no\n"),
        (replied(503, "full"), 503, "full"),
        (broken(AttemptOutcome::Crashed), 500, "as asked\n"),
    ] {
        let call = mill.calling("actor", "");
        mill.stage.next().await.ends(outcome);
        let called = call.await.expect("it ends").expect("it is answered");
        assert_eq!(
            (called.succeeded, called.reply.status, called.reply.body.as_ref()),
            (false, status, body.as_bytes())
        );
        assert_eq!(mill.status(called.id).await, Status::Failed);
    }
    let call = mill.calling("actor", "");
    let _begun = mill.stage.next().await;
    let called = call.await.expect("it ends").expect("it is answered");
    assert_eq!(called.reply.status, 408);
    mill.pass(600 * SECOND).await;
    assert!(mill.stage.peek().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_worker_is_lost_goes_on_with_another() {
    let mill = Mill::start().await;
    mill.deploy("actor", ACTOR).await;
    let call = mill.calling("actor", "");
    let _begun = mill.stage.next().await;
    mill.stage.kill();
    mill.stage.next().await.ends_as(changed("out", Some("1"), Vec::new()));
    let called = call.await.expect("it ends").expect("it is answered");
    assert!(called.succeeded);
    let detail = mill.detail(called.id).await;
    assert_eq!(outcomes(&detail), [AttemptOutcome::Interrupted, AttemptOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn calls_of_what_cannot_run_are_refused() {
    let mut mill = Mill::start().await;
    mill.deploy("actor", ACTOR).await;
    let queued = mill.submit("actor", "long").await;
    let begun = mill.stage.next().await;
    let call = mill.calling("actor", "paused meanwhile");
    mill.pass(SECOND).await;
    mill.engine.pause(&name("actor")).await.expect("it pauses");
    assert!(matches!(call.await.expect("it ends"), Err(CallError::Paused(_))));
    assert!(matches!(mill.call("actor", "").await, Err(CallError::Paused(_))));
    begun.succeeds();
    mill.ended(queued).await;
    mill.engine.resume(&name("actor")).await.expect("it resumes");
    mill.stage.kill();
    mill.stage.launch(Duration::ZERO, Some("no such image\nmore of it"));
    mill.pass(3 * SECOND).await;
    let error = mill.call("actor", "").await.expect_err("no worker starts");
    assert!(matches!(&error, CallError::Launch { reason, .. } if reason == "no such image\nmore of it"), "{error}");
    mill.stage.launch(Duration::ZERO, None);
    mill.pass(60 * SECOND).await;
    let queued = mill.submit("actor", "long").await;
    let _begun = mill.stage.next().await;
    let call = mill.calling("actor", "when it stops");
    mill.pass(SECOND).await;
    mill.engine.shutdown().await;
    assert!(matches!(call.await.expect("it ends"), Err(CallError::Stopping)));
    mill.begin_anew().await;
    mill.stage.succeed(Duration::ZERO);
    assert_eq!(mill.ended(queued).await.invocation.status, Status::Succeeded);
    mill.pass(GRACE).await;
    assert_eq!(mill.invocations("actor").await.iter().filter(|one| one.status == Status::Queued).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_function_that_is_deleted_ends() {
    let mill = Mill::start().await;
    mill.deploy("actor", ACTOR).await;
    let call = mill.calling("actor", "");
    let _begun = mill.stage.next().await;
    mill.engine.delete(&name("actor")).await.expect("it is deleted");
    assert!(matches!(call.await.expect("it ends"), Err(CallError::NoFunction(_))));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_purged_from_the_queue_is_told_so() {
    let mill = Mill::start().await;
    mill.deploy("actor", ACTOR).await;
    let first = mill.submit("actor", "").await;
    let begun = mill.stage.next().await;
    let call = mill.calling("actor", "second");
    mill.pass(SECOND).await;
    let waiting = RedriveFilter { function: name("actor"), limit: 10 };
    assert_eq!(mill.store.purge(waiting, true).await.expect("it is purged"), 1);
    let refused = call.await.expect("it ends").expect_err("it is gone");
    assert!(matches!(refused, CallError::Removed(_)), "{refused}");
    begun.succeeds();
    mill.ended(first).await;
}
