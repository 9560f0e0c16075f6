//! Pausing, resuming, deleting.

use std::time::Duration;

use tidemill_core::{
    FunctionState,
    invocation::Status,
    ports::{Store, StoreError},
};
use tidemill_engine::CallError;

use crate::mill::{Mill, manifest, name};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_paused_function_accepts_and_does_not_run() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy("f", "triggers: {h: {kind: http}, t: {kind: cron, attributes: {schedule: '@every 10s'}}}").await;
    mill.engine.pause(&name("f")).await.expect("it pauses");
    assert!(matches!(mill.call("f", "").await, Err(CallError::Paused(_))));
    let id = mill.submit("f", "kept").await;
    mill.pass(MINUTE).await;
    assert_eq!(mill.status(id).await, Status::Queued);
    assert_eq!(mill.invocations("f").await.len(), 1, "runs of the schedule are left out");
    mill.engine.resume(&name("f")).await.expect("it resumes");
    assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    mill.pass(MINUTE).await;
    // Those that were left out are not made up for.
    assert_eq!(mill.invocations("f").await.len(), 7);
}

#[tokio::test(start_paused = true)]
async fn pausing_outlives_the_engine() {
    let mut mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy("f", "description: one").await;
    mill.engine.pause(&name("f")).await.expect("it pauses");
    mill.engine.shutdown().await;
    mill.begin_anew().await;
    assert!(matches!(mill.call("f", "").await, Err(CallError::Paused(_))));
}

#[tokio::test(start_paused = true)]
async fn what_runs_when_a_function_is_paused_ends_as_usual() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let (call, id) = (mill.calling("f", "sync"), mill.submit("f", "async").await);
    let (one, other) = (mill.stage.next().await, mill.stage.next().await);
    mill.engine.pause(&name("f")).await.expect("it pauses");
    one.succeeds();
    other.succeeds();
    assert!(call.await.expect("it ends").expect("it is answered").succeeded);
    assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_disabled_function_is_deployed_paused_and_starts_no_worker() {
    let mill = Mill::start().await;
    mill.deploy("f", "disable: true, minReplicas: 2, maxReplicas: 2").await;
    mill.pass(MINUTE).await;
    assert_eq!(mill.engine.function(&name("f")).expect("it is there").desired, FunctionState::Paused);
    assert_eq!(mill.stage.launches(), 0);
    assert!(matches!(mill.call("f", "").await, Err(CallError::Paused(_))));
}

#[tokio::test(start_paused = true)]
async fn deleting_ends_what_runs_and_forgets_what_waits() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 2").await;
    let call = mill.calling("f", "sync");
    let _sync = mill.stage.next().await;
    let running = mill.submit("f", "async").await;
    let _async = mill.stage.next().await;
    let target = mill.target("f");
    let mut waiting = Vec::new();
    for body in ["a", "b", "c"] {
        waiting.push(mill.submit("f", body).await);
    }
    mill.engine.delete(&name("f")).await.expect("it is deleted");
    assert!(matches!(call.await.expect("it ends"), Err(CallError::NoFunction(_))));
    assert!(mill.engine.target(&name("f")).is_none());
    for id in waiting.into_iter().chain([running]) {
        assert!(matches!(mill.store.invocation(id).await, Err(StoreError::NotFound)));
    }
    mill.until("its workers stop", || mill.stage.living().is_empty()).await;
    mill.until("nothing runs", || mill.engine.active_calls() == 0).await;
    let late = mill.engine.call(&target, crate::mill::event(""), mill.now()).await;
    assert!(matches!(late, Err(CallError::NoFunction(_))));
    // Its name is free.
    mill.stage.succeed(Duration::ZERO);
    assert_eq!(mill.deploy("f", "description: another").await, 1);
    assert!(mill.call("f", "").await.expect("it serves").succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_function_keeps_its_state_when_a_change_cannot_be_stored() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.try_deploy(&manifest("f", "description: one")).await.expect("it deploys");
    mill.tolls.refuse("set_desired", 1);
    mill.engine.pause(&name("f")).await.expect_err("the store is full");
    assert!(mill.call("f", "").await.is_ok());
    mill.tolls.refuse("delete_function", 1);
    mill.engine.delete(&name("f")).await.expect_err("the store is full");
    assert!(mill.call("f", "").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn pausing_gives_back_what_waits_for_a_worker_and_lets_finish_what_runs() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0").await;
    let running = mill.submit("f", "running").await;
    let begun = mill.stage.next().await;
    let held = mill.submit("f", "held").await;
    let behind = mill.submit("f", "behind").await;
    mill.pass(SECOND).await;
    assert_eq!((mill.status(held).await, mill.status(behind).await), (Status::Running, Status::Queued));
    let waiting = mill.calling("f", "a call that waits");
    mill.pass(SECOND).await;
    let before = mill.detail(held).await.invocation;
    mill.engine.pause(&name("f")).await.expect("it pauses");
    assert!(matches!(waiting.await.expect("it ends"), Err(CallError::Paused(_))));
    mill.pass(SECOND).await;
    let invocation = mill.detail(held).await.invocation;
    assert_eq!((invocation.status, invocation.failures, invocation.interruptions), (Status::Queued, 0, 0));
    assert_eq!(invocation.available_at, before.available_at, "it keeps its place");
    assert_eq!(mill.engine.function(&name("f")).expect("it is there").queued, 2);
    begun.succeeds();
    assert_eq!(mill.ended(running).await.invocation.status, Status::Succeeded);
    mill.pass(MINUTE).await;
    assert!(mill.stage.peek().is_none(), "nothing begins");
    mill.engine.resume(&name("f")).await.expect("it resumes");
    for body in ["held", "behind"] {
        let next = mill.stage.next().await;
        assert_eq!(next.body(), body);
        next.succeeds();
    }
    for id in [held, behind] {
        assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_being_gathered_is_not_begun_once_paused() {
    let mill = Mill::start().await;
    mill.deploy("f", "triggers: {h: {kind: http, batch: {mode: enable, batchSize: 3, timeout: 5s}}}").await;
    let id = mill.submit("f", "gathered").await;
    mill.pass(SECOND).await;
    mill.engine.pause(&name("f")).await.expect("it pauses");
    mill.pass(MINUTE).await;
    let detail = mill.detail(id).await;
    assert_eq!((detail.invocation.status, detail.invocation.attempts), (Status::Queued, 0));
    mill.engine.resume(&name("f")).await.expect("it resumes");
    mill.stage.next().await.succeeds();
    assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
}
