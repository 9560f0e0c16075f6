//! Attempts after failures.

use std::time::Duration;

use tidemill_core::{
    RevisionNumber,
    invocation::{AttemptOutcome, LogLevel, Status},
    limits::INLINE_BODY_BYTES_MAX,
    ports::{CallOutcome, LogFilter, Store},
};

use crate::{
    mill::{Mill, name, outcomes},
    stage::{broken, replied},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn attempts_follow_with_growing_waits_until_it_is_given_up() {
    let mill = Mill::start().await;
    mill.stage.script(|_, _| (Duration::ZERO, CallOutcome::Raised { message: "ValueError: no".into(), status: 500 }));
    mill.deploy("f", "retry: {maxAttempts: 4, initial: 2s, factor: 3, max: 10s}").await;
    let id = mill.submit("f", "body").await;
    let detail = mill.ended(id).await;
    let invocation = &detail.invocation;
    assert_eq!((invocation.status, invocation.failures), (Status::DeadLettered, 4));
    assert_eq!(invocation.reason, "ValueError: no");
    assert_eq!(outcomes(&detail), [AttemptOutcome::Raised; 4]);
    let starts = detail.attempts.iter().map(|attempt| attempt.started_at);
    let ends = detail.attempts.iter().map(|attempt| attempt.finished_at);
    for ((end, start), wait) in ends.zip(starts.skip(1)).zip([2, 6, 10]) {
        let waited = start.since(end);
        assert!(waited >= wait * SECOND && waited < wait * SECOND + SECOND / 100, "{waited:?} instead of {wait} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_an_error_of_the_server_kind_is_a_failed_attempt() {
    let mill = Mill::start().await;
    mill.deploy("f", "retry: {maxAttempts: 2, initial: 1s}").await;
    let id = mill.submit("f", "body").await;
    mill.stage.next().await.ends(replied(503, "later"));
    mill.stage.next().await.ends(replied(500, "no"));
    let detail = mill.ended(id).await;
    assert_eq!(detail.invocation.status, Status::DeadLettered);
    assert_eq!(outcomes(&detail), [AttemptOutcome::Raised; 2]);
    // The last response is kept for whoever asks.
    let reply = mill.store.reply(id).await.expect("it is stored").expect("there is one");
    assert_eq!((reply.status, reply.body), (500, "no".into()));

    let refused = mill.submit("f", "body").await;
    mill.stage.next().await.ends(replied(404, "that is an answer"));
    assert_eq!(mill.ended(refused).await.invocation.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_is_not_a_failure() {
    let mill = Mill::start().await;
    mill.deploy("f", "retry: {maxAttempts: 1}").await;
    let id = mill.submit("f", "body").await;
    for _ in 0..3 {
        mill.stage.next().await.ends(broken(AttemptOutcome::Interrupted));
    }
    mill.stage.next().await.succeeds();
    let invocation = mill.ended(id).await.invocation;
    assert_eq!((invocation.status, invocation.failures, invocation.interruptions), (Status::Succeeded, 0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_does_not_start_is_a_failed_attempt() {
    let mill = Mill::start().await;
    mill.deploy("f", "idleTimeout: 1s, retry: {maxAttempts: 3, initial: 5s}").await;
    mill.until("the worker is idle for long", || mill.stage.living().is_empty()).await;
    mill.stage.launch(SECOND, Some("ImportError: no module named x"));
    let id = mill.submit("f", "body").await;
    mill.pass(4 * SECOND).await;
    assert_eq!(outcomes(&mill.detail(id).await), [AttemptOutcome::LaunchFailed]);
    mill.stage.launch(SECOND, None);
    mill.stage.succeed(Duration::ZERO);
    let detail = mill.ended(id).await;
    assert_eq!(outcomes(&detail), [AttemptOutcome::LaunchFailed, AttemptOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_stored_is_stored_later() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let id = mill.submit("f", "body").await;
    mill.tolls.refuse("settle", 8);
    mill.stage.next().await.ends(replied(200, "once"));
    let detail = mill.ended(id).await;
    assert_eq!((detail.invocation.status, detail.attempts.len()), (Status::Succeeded, 1));
    assert!(mill.tolls.count("settle") > 8);
    assert!(mill.stage.peek().is_none(), "it does not run again");
}

/// The function's worker has stopped, and another does not start.
async fn outage(mill: &Mill, spec: &str) {
    mill.deploy("f", &format!("idleTimeout: 1s, {spec}")).await;
    mill.until("the worker is idle for long", || mill.stage.living().is_empty()).await;
    mill.stage.launch(SECOND / 50, Some("ImportError: no module named x"));
}

#[tokio::test(start_paused = true)]
async fn a_queue_outlasts_an_outage() {
    let mill = Mill::start().await;
    outage(&mill, "retry: {maxAttempts: 2, initial: 1s}").await;
    let before = mill.stage.launches();
    let mut ids = Vec::new();
    for number in 0..100 {
        ids.push(mill.submit("f", &number.to_string()).await);
    }
    mill.pass(10 * SECOND).await;
    let mut failures = 0;
    for id in &ids {
        let invocation = mill.detail(*id).await.invocation;
        assert!(!invocation.status.is_final(), "{invocation:#?}");
        failures += invocation.failures;
    }
    let starts = mill.stage.launches() - before;
    assert!(failures > 0 && failures <= starts, "{failures} failures for {starts} starts");
    assert_eq!(mill.engine.function(&name("f")).expect("it is there").running, 0);
    mill.stage.launch(SECOND, None);
    mill.stage.succeed(SECOND / 100);
    for id in ids {
        assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_alone_in_an_outage_uses_up_its_attempts_by_starts_and_at_its_own_pace() {
    let mill = Mill::start().await;
    outage(&mill, "retry: {maxAttempts: 3, initial: 2s, factor: 2}").await;
    let (before, began) = (mill.stage.launches(), mill.now());
    let id = mill.submit("f", "body").await;
    let detail = mill.ended(id).await;
    assert_eq!((detail.invocation.status, detail.invocation.failures), (Status::DeadLettered, 3));
    assert_eq!(outcomes(&detail), [AttemptOutcome::LaunchFailed; 3]);
    assert_eq!(mill.stage.launches(), before + 3);
    assert!(mill.now().since(began) >= 6 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_new_revision_ends_an_outage_at_once() {
    let mill = Mill::start().await;
    outage(&mill, "retry: {initial: 1s}").await;
    let ids = [mill.submit("f", "one").await, mill.submit("f", "two").await, mill.submit("f", "three").await];
    mill.pass(60 * SECOND).await;
    mill.stage.launch(Duration::ZERO, None);
    mill.stage.succeed(Duration::ZERO);
    mill.deploy("f", "description: mended, retry: {initial: 1s}").await;
    let mended = mill.now();
    let mut waited = Duration::ZERO;
    for id in ids {
        let detail = mill.ended(id).await;
        assert_eq!(detail.invocation.status, Status::Succeeded);
        let first = detail.attempts.last().expect("it was tried").started_at;
        waited = waited.max(first.since(mended));
    }
    // One of them may wait for its next attempt, none for a start of the former revision.
    assert!(waited < 30 * SECOND, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_is_told_in_one_line_and_its_traceback_is_in_the_log() {
    let mill = Mill::start().await;
    mill.deploy("f", "idleTimeout: 1s, retry: {maxAttempts: 1}").await;
    mill.until("the worker is idle for long", || mill.stage.living().is_empty()).await;
    let traceback = "Traceback:\n  line 1\nImportError: no module named x";
    mill.stage.launch(SECOND, Some(&format!("ImportError: no module named x\n{traceback}")));
    let id = mill.submit("f", "body").await;
    let detail = mill.ended(id).await;
    assert_eq!(detail.invocation.reason, "ImportError: no module named x");
    assert_eq!(detail.attempts[0].reason, "ImportError: no module named x");
    assert_eq!(detail.attempts[0].revision, Some(RevisionNumber(1)));
    let filter = LogFilter { invocation: Some(id), limit: 10, ..LogFilter::default() };
    let logged = mill.store.logs(filter).await.expect("they are stored");
    let lines: Vec<_> = logged.iter().map(|logged| (logged.line.level, logged.line.message.as_str())).collect();
    assert_eq!(lines, [(LogLevel::Error, traceback)]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_read_is_read_again_later() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0, retry: {maxAttempts: 1}").await;
    mill.submit("f", "runs").await;
    let begun = mill.stage.next().await;
    let large = "x".repeat(INLINE_BODY_BYTES_MAX + 1);
    let id = mill.submit("f", &large).await;
    mill.tolls.refuse("event_body", 3);
    begun.succeeds();
    let began = mill.now();
    let again = mill.stage.next().await;
    assert_eq!(again.body(), large);
    assert!(mill.now().since(began) >= 15 * SECOND);
    again.succeeds();
    let detail = mill.ended(id).await;
    assert_eq!((detail.invocation.status, detail.invocation.interruptions), (Status::Succeeded, 3));
    assert!(detail.attempts.iter().all(|attempt| !attempt.worker.is_empty() && attempt.revision.is_some()));
}
