//! Revisions that serve before their workers are ready.

use std::time::Duration;

use tidemill_core::{
    invocation::Status,
    spec::{FunctionSpec, Runtime},
};
use tidemill_engine::{DeployError, Readiness};

use crate::mill::{Mill, name};

const SECOND: Duration = Duration::from_secs(1);

fn spec(description: &str) -> FunctionSpec {
    let mut spec = FunctionSpec::new(Runtime::Image);
    spec.description = description.to_owned();
    spec
}

#[tokio::test(start_paused = true)]
async fn it_is_there_at_once_and_becomes_ready_by_itself() {
    let mill = Mill::start().await;
    mill.stage.launch(20 * SECOND, None);
    let began = mill.now();
    mill.deploy_spec("f", spec("one"), Readiness::Later).await.expect("it is deployed");
    assert_eq!(mill.now(), began);
    let view = mill.view("f");
    assert_eq!((view.was_ready, view.problem, view.workers.starting), (false, None, 1));
    let early = mill.submit("f", "early").await;
    mill.pass(21 * SECOND).await;
    assert!(mill.view("f").was_ready);
    mill.stage.next().await.succeeds();
    assert_eq!(mill.ended(early).await.invocation.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_said_and_tried_until_it_heals() {
    let mill = Mill::start().await;
    mill.stage.launch(SECOND, Some("no such image"));
    let error = mill.deploy_spec("f", spec("one"), Readiness::Checked).await.expect_err("it is checked");
    assert!(matches!(error, DeployError::Launch { .. }), "{error}");
    assert!(mill.engine.function(&name("f")).is_none());
    mill.deploy_spec("f", spec("one"), Readiness::Later).await.expect("it is deployed");
    mill.pass(2 * SECOND).await;
    let view = mill.view("f");
    assert_eq!((view.was_ready, view.problem.as_deref()), (false, Some("no such image")));
    let before = mill.stage.launches();
    mill.pass(120 * SECOND).await;
    let tried = mill.stage.launches() - before;
    assert!((3..20).contains(&tried), "tried {tried} times more");
    let waiting = mill.submit("f", "").await;
    mill.stage.launch(SECOND, None);
    mill.stage.succeed(Duration::ZERO);
    assert_eq!(mill.ended(waiting).await.invocation.status, Status::Succeeded);
    let view = mill.view("f");
    assert_eq!((view.was_ready, view.problem), (true, None));
    mill.pass(3600 * SECOND).await;
    assert_eq!(mill.stage.living().len(), 0, "once ready, it may fall idle");
    assert!(mill.view("f").was_ready);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_trying() {
    let mut mill = Mill::start().await;
    mill.deploy_spec("good", spec("good"), Readiness::Later).await.expect("it is deployed");
    mill.until("it is ready", || mill.view("good").was_ready).await;
    mill.stage.launch(SECOND, Some("no such image"));
    mill.deploy_spec("bad", spec("bad"), Readiness::Later).await.expect("it is deployed");
    mill.pass(2 * SECOND).await;
    mill.engine.shutdown().await;
    mill.begin_anew().await;
    let launches = mill.stage.launches();
    assert_eq!((mill.view("good").was_ready, mill.view("bad").was_ready), (true, false));
    mill.pass(5 * SECOND).await;
    assert!(mill.stage.launches() > launches);
    assert_eq!(mill.view("bad").problem.as_deref(), Some("no such image"));
    mill.stage.launch(Duration::ZERO, None);
    mill.until("it is ready", || mill.view("bad").was_ready).await;
    mill.engine.shutdown().await;
    mill.begin_anew().await;
    assert!(mill.view("bad").was_ready);
}

#[tokio::test(start_paused = true)]
async fn a_failing_update_replaces_what_worked() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy_spec("f", spec("one"), Readiness::Checked).await.expect("it is deployed");
    mill.stage.launch(Duration::ZERO, Some("no such image"));
    assert_eq!(mill.deploy_spec("f", spec("two"), Readiness::Later).await.expect("it is deployed"), 2);
    let waiting = mill.submit("f", "").await;
    mill.pass(5 * SECOND).await;
    assert!(mill.view("f").problem.is_some());
    assert_eq!(mill.status(waiting).await, Status::Queued);
    mill.stage.launch(Duration::ZERO, None);
    assert_eq!(mill.deploy_spec("f", spec("three"), Readiness::Later).await.expect("it is deployed"), 3);
    assert_eq!(mill.ended(waiting).await.invocation.status, Status::Succeeded);
    assert_eq!(mill.view("f").problem, None);
}

#[tokio::test(start_paused = true)]
async fn a_paused_one_waits_with_its_workers() {
    let mill = Mill::start().await;
    let mut spec = spec("one");
    spec.disable = true;
    mill.deploy_spec("f", spec, Readiness::Later).await.expect("it is deployed");
    mill.pass(60 * SECOND).await;
    assert_eq!(mill.stage.launches(), 0);
    mill.engine.resume(&name("f")).await.expect("it resumes");
    mill.until("it is ready", || mill.view("f").was_ready).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_waits_for_the_end_of_an_outage() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    let mut retried_once = spec("one");
    retried_once.retry.max_attempts = 1;
    mill.deploy_spec("f", retried_once, Readiness::Checked).await.expect("it is deployed");
    mill.stage.kill();
    mill.stage.outage.store(true, std::sync::atomic::Ordering::Relaxed);
    mill.stage.launch(SECOND, Some("the engine does not answer"));
    let ids = [mill.submit("f", "").await, mill.submit("f", "").await];
    mill.pass(5 * SECOND).await;
    // A caller does not wait for it.
    let error = mill.call("f", "").await.expect_err("no worker starts");
    assert!(matches!(error, tidemill_engine::CallError::Launch { .. }), "{error}");
    mill.pass(3600 * SECOND).await;
    assert_eq!(mill.view("f").problem.as_deref(), Some("the engine does not answer"));
    mill.stage.outage.store(false, std::sync::atomic::Ordering::Relaxed);
    mill.stage.launch(Duration::ZERO, None);
    for id in ids {
        let detail = mill.ended(id).await;
        assert_eq!((detail.invocation.status, detail.attempts.len()), (Status::Succeeded, 1));
    }
}
