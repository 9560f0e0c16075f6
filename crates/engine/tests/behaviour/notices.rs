//! Notices to other functions.

use std::time::Duration;

use serde_json::Value;
use tidemill_core::{
    invocation::{AttemptOutcome, RunReport, Status},
    spec::{FunctionSpec, Runtime},
};
use tidemill_engine::Readiness;

use crate::{
    mill::{Mill, name},
    stage::{broken, changed},
};

const SECOND: Duration = Duration::from_secs(1);

fn told(name: &str) -> FunctionSpec {
    let mut spec = FunctionSpec::new(Runtime::Image);
    spec.notify = vec![name.parse().expect("a name")];
    spec.retry.max_attempts = 1;
    spec
}

/// The notices that `audit` got: their kind and, of each, one member.
async fn notices(mill: &Mill, member: &str) -> Vec<(String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let bodies = mill.bodies("audit").await;
    let parsed = bodies.iter().map(|body| serde_json::from_str::<Value>(body).expect("JSON"));
    parsed.map(|notice| (text(&notice["event_type"]), notice[member].clone())).collect()
}

async fn audited() -> Mill {
    let mill = Mill::start().await;
    mill.deploy("audit", "disable: true").await;
    mill
}

#[tokio::test(start_paused = true)]
async fn the_first_worker_is_told_of_before_the_first_execution() {
    for readiness in [Readiness::Checked, Readiness::Later] {
        let mill = audited().await;
        mill.stage.script_ends(|_, _| {
            let mut end = changed("", None, Vec::new());
            end.report = Some(RunReport { exit_code: Some(3), ..RunReport::default() });
            (Duration::ZERO, end)
        });
        mill.stage.launch(SECOND, None);
        mill.deploy_spec("actor", told("audit"), readiness).await.expect("it is deployed");
        let id = mill.submit("actor", "").await;
        mill.ended(id).await;
        mill.engine.ensure_workers(&name("actor"), 3).await.expect("they start");
        mill.pass(60 * SECOND).await;
        let kinds: Vec<_> = notices(&mill, "exit_code").await;
        let text = |text: &str| text.to_owned();
        assert_eq!(
            kinds,
            [(text("ACTOR_READY"), Value::Null), (text("EXECUTION_COMPLETE"), 3.into())],
            "{readiness:?}"
        );
        let bodies = mill.bodies("audit").await;
        let ready: Value = serde_json::from_str(&bodies[0]).expect("JSON");
        for (member, value) in
            [("status_message", " "), ("tenant_id", "default"), ("actor_id", "actor"), ("actor_dbid", "default_actor")]
        {
            assert_eq!(ready[member], value, "{member}");
        }
        let done: Value = serde_json::from_str(&bodies[1]).expect("JSON");
        assert_eq!((&done["execution_id"], &done["status"]), (&id.to_string().into(), &"COMPLETE".into()));
        let invocations = mill.invocations("audit").await;
        let event = &invocations[1].event;
        assert_eq!((event.caller.as_str(), event.kind.as_str()), ("Abaco Event", "tidemill.notice"));
        assert_eq!((event.content_type.as_str(), invocations[1].parent), ("application/json", Some(id)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_to_start_is_told_of_once() {
    let mill = audited().await;
    mill.stage.launch(Duration::ZERO, Some("no such image\nand why"));
    mill.deploy_spec("actor", told("audit"), Readiness::Later).await.expect("it is deployed");
    mill.pass(60 * SECOND).await;
    let failed = ("ACTOR_ERROR".to_owned(), Value::from("no such image"));
    assert_eq!(notices(&mill, "status_message").await, std::slice::from_ref(&failed));
    mill.stage.launch(Duration::ZERO, None);
    mill.until("it is ready", || mill.view("actor").was_ready).await;
    assert_eq!(notices(&mill, "status_message").await, [failed, ("ACTOR_READY".to_owned(), " ".into())]);
}

#[tokio::test(start_paused = true)]
async fn every_end_is_told_of_and_no_retry() {
    let mill = audited().await;
    let mut spec = told("audit");
    spec.retry.max_attempts = 2;
    spec.max_replicas = Some(1);
    mill.deploy_spec("actor", spec, Readiness::Checked).await.expect("it is deployed");
    let failing = mill.submit("actor", "").await;
    mill.stage.next().await.ends(broken(AttemptOutcome::Crashed));
    mill.stage.next().await.ends(broken(AttemptOutcome::Crashed));
    assert_eq!(mill.ended(failing).await.invocation.status, Status::DeadLettered);
    let running = mill.submit("actor", "").await;
    let _begun = mill.stage.next().await;
    let waiting = mill.submit("actor", "").await;
    mill.engine.pause(&name("actor")).await.expect("it pauses");
    mill.pass(SECOND).await;
    mill.engine.cancel(waiting).await.expect("it is cancelled");
    mill.engine.cancel(running).await.expect("it is cancelled");
    mill.ended(running).await;
    let told = notices(&mill, "execution_id").await;
    let ids: Vec<_> = told[1..].iter().map(|(_, id)| id.clone()).collect();
    assert_eq!(ids, [failing, waiting, running].map(|id| Value::from(id.to_string())));
    let statuses: Vec<_> = notices(&mill, "status").await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses[1..], [Value::from("ERROR"), "ERROR".into(), "ERROR".into()]);
}

#[tokio::test(start_paused = true)]
async fn synchronous_calls_are_told_of_too() {
    let mill = audited().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy_spec("actor", told("audit"), Readiness::Checked).await.expect("it is deployed");
    let called = mill.call("actor", "").await.expect("it is answered");
    let told = notices(&mill, "execution_id").await;
    assert_eq!(told[1], ("EXECUTION_COMPLETE".to_owned(), called.id.to_string().into()));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_there_is_not_told() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy_spec("actor", told("audit"), Readiness::Checked).await.expect("it is deployed");
    let id = mill.submit("actor", "").await;
    assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn functions_that_notify_each_other_come_to_rest() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy("ping", "notify: [pong]").await;
    mill.deploy("pong", "notify: [ping]").await;
    mill.submit("ping", "").await;
    mill.pass(600 * SECOND).await;
    let (pings, pongs) = (mill.invocations("ping").await, mill.invocations("pong").await);
    // Pong's first worker is told of, and so are sixteen ends, each way, of what that and the message began.
    assert!((16..60).contains(&(pings.len() + pongs.len())), "{} and {}", pings.len(), pongs.len());
    assert!(pings.iter().chain(&pongs).all(|one| one.status == Status::Succeeded));
    mill.call("ping", "").await.expect("it is answered");
    mill.pass(600 * SECOND).await;
    let ends = mill.invocations("pong").await.len() + mill.invocations("ping").await.len();
    assert_eq!(ends, pings.len() + pongs.len() + 17, "the call and sixteen notices");
}
