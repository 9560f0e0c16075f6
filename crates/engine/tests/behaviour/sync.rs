//! Synchronous calls.

use std::time::Duration;

use bytes::Bytes;
use tidemill_core::{
    Timestamp,
    invocation::{AttemptOutcome, LogLevel, LogLine, Status},
    ports::{CallOutcome, Store},
};
use tidemill_engine::CallError;

use crate::{
    mill::Mill,
    stage::{bodies, broken, replied},
};

const SECOND: Duration = Duration::from_secs(1);

async fn answer(mill: &Mill, outcome: CallOutcome) -> tidemill_engine::Called {
    let call = mill.calling("f", "body");
    mill.stage.next().await.ends(outcome);
    call.await.expect("it ends").expect("it is answered")
}

#[tokio::test(start_paused = true)]
async fn waits_for_a_slot_and_then_gives_up() {
    let mill = Mill::start().await;
    let http = "triggers: {h: {kind: http, numWorkers: 1, workerAvailabilityTimeoutMilliseconds: 3000}}";
    mill.deploy("f", http).await;
    let first = mill.calling("f", "first");
    let begun = mill.stage.next().await;
    let Err(CallError::NoWorker { waited, .. }) = mill.call("f", "second").await else { panic!("it is busy") };
    assert_eq!(waited, 3 * SECOND);
    let third = mill.calling("f", "third");
    mill.pass(2 * SECOND).await;
    begun.succeeds();
    mill.stage.next().await.succeeds();
    assert!(first.await.expect("it ends").expect("it is answered").succeeded);
    assert!(third.await.expect("it ends").expect("it is answered").succeeded);
}

#[tokio::test(start_paused = true)]
async fn one_that_may_not_wait_waits_for_the_first_worker_only() {
    let mill = Mill::start().await;
    let http = "{h: {kind: http, numWorkers: 1, workerAvailabilityTimeoutMilliseconds: 0}}";
    mill.deploy("f", &format!("idleTimeout: 1s, triggers: {http}")).await;
    mill.until("the worker is idle for long", || mill.stage.living().is_empty()).await;
    mill.stage.launch(SECOND, None);
    mill.stage.succeed(10 * SECOND);
    let (first, second) = tokio::join!(mill.call("f", "first"), mill.call("f", "second"));
    assert!(first.expect("it is answered").succeeded);
    assert!(matches!(second, Err(CallError::NoWorker { waited, .. }) if waited == SECOND), "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn is_told_at_once_while_no_worker_starts() {
    let mill = Mill::start().await;
    mill.deploy("f", "idleTimeout: 1s").await;
    mill.until("the worker is idle for long", || mill.stage.living().is_empty()).await;
    mill.stage.launch(SECOND, Some("ImportError: no module named x"));
    let before = mill.stage.launches();
    let Err(CallError::Launch { reason, .. }) = mill.call("f", "").await else { panic!("no worker starts") };
    assert!(reason.contains("ImportError"), "{reason}");
    let asked = mill.now();
    assert!(matches!(mill.call("f", "").await, Err(CallError::Launch { .. })));
    assert_eq!((mill.now(), mill.stage.launches()), (asked, before + 1), "nobody waits, nothing is started");
    // After a while it is tried again.
    mill.stage.launch(SECOND, None);
    mill.stage.succeed(Duration::ZERO);
    mill.pass(SECOND).await;
    assert!(mill.call("f", "").await.expect("it serves").succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_crashed_worker_is_replaced() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0").await;
    let called = answer(&mill, broken(AttemptOutcome::Crashed)).await;
    assert_eq!((called.reply.status, called.succeeded), (500, false));
    assert_eq!(called.reply.body, Bytes::from("as asked\n"));
    let called = answer(&mill, replied(200, "again")).await;
    assert!(called.succeeded);
    assert_eq!(mill.stage.launches(), 2);
}

#[tokio::test(start_paused = true)]
async fn outcomes_become_statuses() {
    let mill = Mill::start().await;
    mill.deploy("f", "eventTimeout: 5s").await;
    for (outcome, status) in [
        (replied(204, ""), 204),
        (replied(502, "mine"), 502),
        (CallOutcome::Raised { message: "ValueError: no".into(), status: 500 }, 500),
        (CallOutcome::Raised { message: "NotFound: no".into(), status: 404 }, 404),
        (broken(AttemptOutcome::TimedOut), 408),
        (broken(AttemptOutcome::Crashed), 500),
        (broken(AttemptOutcome::OutOfMemory), 500),
        (broken(AttemptOutcome::BadResponse), 500),
        (broken(AttemptOutcome::Cancelled), 503),
        (CallOutcome::Replied(Vec::new()), 500),
    ] {
        let text = format!("{outcome:?}");
        assert_eq!(answer(&mill, outcome).await.reply.status, status, "{text}");
    }
    let called = mill.calling("f", "never answered");
    let began = mill.now();
    let _begun = mill.stage.next().await;
    assert_eq!(called.await.expect("it ends").expect("it is answered").reply.status, 408);
    assert_eq!(mill.now().since(began), 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_call_is_tried_on_another_worker() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let call = mill.calling("f", "body");
    let first = mill.stage.next().await;
    let former = first.worker.clone();
    first.ends(broken(AttemptOutcome::Interrupted));
    let second = mill.stage.next().await;
    assert_ne!(second.worker, former);
    assert_eq!((second.call.attempt, second.body()), (2, "body".to_owned()));
    second.succeeds();
    assert!(call.await.expect("it ends").expect("it is answered").succeeded);

    let call = mill.calling("f", "never lucky");
    for _ in 0..10 {
        mill.stage.next().await.ends(broken(AttemptOutcome::Interrupted));
    }
    assert_eq!(call.await.expect("it ends").expect("it is answered").reply.status, 503);
}

#[tokio::test(start_paused = true)]
async fn goes_on_when_its_caller_goes_away() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let call = mill.calling("f", "body");
    let begun = mill.stage.next().await;
    call.abort();
    assert!(call.await.is_err());
    mill.pass(SECOND).await;
    begun.ends(replied(200, "for nobody"));
    mill.pass(SECOND).await;
    let kept = mill.invocations("f").await;
    assert_eq!(kept.iter().map(|one| one.status).collect::<Vec<_>>(), [Status::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn the_history_keeps_what_it_is_asked_to() {
    for (history, expected) in
        [("all", vec![Status::Succeeded, Status::Failed]), ("failed", vec![Status::Failed]), ("none", Vec::new())]
    {
        let mill = Mill::start().await;
        mill.deploy("f", &format!("history: {history}")).await;
        answer(&mill, replied(200, "well")).await;
        answer(&mill, replied(500, "ill")).await;
        mill.pass(SECOND).await;
        let kept = mill.invocations("f").await;
        assert_eq!(kept.iter().map(|one| one.status).collect::<Vec<_>>(), expected, "{history}");
        if let Some(failed) = kept.iter().find(|one| one.status == Status::Failed) {
            assert_eq!(mill.store.event_body(failed.id).await.expect("it is stored"), Bytes::from("body"));
            // So it can be run again, through the queue.
            mill.stage.succeed(Duration::ZERO);
            mill.engine.retry(failed.id).await.expect("its event was kept");
            assert_eq!(mill.ended(failed.id).await.invocation.status, Status::Succeeded);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_history_is_thinned_out_under_load_but_not_of_what_failed() {
    let mill = Mill::start().await;
    mill.stage.script(|_, call| {
        let is_bad = bodies(call)[0] == "bad";
        (Duration::ZERO, replied(if is_bad { 500 } else { 200 }, ""))
    });
    mill.deploy("f", "description: one").await;
    for number in 0..900 {
        mill.call("f", if number % 9 == 0 { "bad" } else { "good" }).await.expect("it is answered");
    }
    mill.pass(SECOND).await;
    let kept = mill.invocations("f").await;
    let failed = kept.iter().filter(|one| one.status == Status::Failed).count();
    assert_eq!(failed, 100);
    assert!(kept.len() < 700, "{} were kept", kept.len());
}

#[tokio::test(start_paused = true)]
async fn logs_are_returned_and_kept() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let call = mill.calling("f", "body");
    let line = LogLine { time: Timestamp(1), level: LogLevel::Info, message: "hello".into(), fields: None };
    mill.stage.next().await.ends_with_logs(replied(200, ""), vec![line.clone()]);
    let called = call.await.expect("it ends").expect("it is answered");
    assert_eq!(called.logs, std::slice::from_ref(&line));
    mill.pass(SECOND).await;
    let filter = tidemill_core::ports::LogFilter { invocation: Some(called.id), limit: 10, ..Default::default() };
    let logged = mill.engine.store().logs(filter).await.expect("they are stored");
    assert_eq!(logged.into_iter().map(|logged| logged.line).collect::<Vec<_>>(), [line]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_of_batches_gets_a_list_of_one() {
    let mill = Mill::start().await;
    mill.deploy("f", "triggers: {h: {kind: http, batch: {mode: enable, batchSize: 5}}}").await;
    let call = mill.calling("f", "body");
    let begun = mill.stage.next().await;
    assert!(begun.call.is_batch);
    assert_eq!(begun.call.events.len(), 1);
    begun.succeeds();
    assert!(call.await.expect("it ends").expect("it is answered").succeeded);
}

#[tokio::test(start_paused = true)]
async fn the_history_has_a_call_as_soon_as_it_has_ended() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy("f", "description: one").await;
    for count in 1..5 {
        mill.call("f", "").await.expect("it is answered");
        mill.pass(SECOND / 40).await;
        assert_eq!(mill.invocations("f").await.len(), count);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_tells_the_wait_that_was_allowed() {
    let mill = Mill::start().await;
    let http = "triggers: {h: {kind: http, numWorkers: 1, workerAvailabilityTimeoutMilliseconds: 10000}}";
    mill.deploy("f", http).await;
    let _busy = mill.calling("f", "");
    let _begun = mill.stage.next().await;
    let error = mill.call("f", "").await.expect_err("it is busy");
    assert_eq!(error.to_string(), "no worker of f became free within 10 s");
}
