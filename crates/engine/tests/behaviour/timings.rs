//! The parts of an invocation's time add up to the whole.

use std::time::Duration;

use tidemill_core::invocation::Invocation;
use tidemill_engine::SubmitOptions;

use crate::{
    mill::{Mill, event},
    stage::{bodies, replied},
};

const MS: Duration = Duration::from_millis(1);

fn check(invocation: &Invocation) {
    let finished = invocation.finished_at.expect("it has ended");
    let whole = finished.since(invocation.received_at).as_micros();
    assert_eq!(u128::from(invocation.timings.total_us()), whole, "{invocation:#?}");
}

async fn mill() -> Mill {
    let mill = Mill::start().await;
    mill.stage.launch(300 * MS, None);
    mill.stage.script(|_, call| {
        let status = if bodies(call)[0] == "bad" && call.attempt < 3 { 500 } else { 200 };
        (50 * MS, replied(status, ""))
    });
    mill.tolls.delay("submit", 7 * MS);
    mill.tolls.delay("settle", 11 * MS);
    mill
}

#[tokio::test(start_paused = true)]
async fn of_synchronous_calls() {
    let mill = mill().await;
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0, idleTimeout: 1s").await;
    mill.until("the worker is idle for long", || mill.stage.living().is_empty()).await;
    let received = mill.now();
    mill.pass(20 * MS).await;
    let target = mill.target("f");
    let (first, second) =
        tokio::join!(mill.engine.call(&target, event("a"), received), mill.engine.call(&target, event("b"), received),);
    let (first, second) = (first.expect("it is answered"), second.expect("it is answered"));
    assert_eq!(first.timings.received_us, 20_000);
    assert_eq!((first.timings.cold_start_us, first.timings.queued_us), (300_000, 0));
    assert_eq!((second.timings.cold_start_us, second.timings.queued_us), (0, 350_000));
    assert_eq!((first.timings.user_code_us, second.timings.user_code_us), (50_000, 50_000));
    mill.pass(1000 * MS).await;
    let kept = mill.invocations("f").await;
    assert_eq!(kept.len(), 2);
    kept.iter().for_each(check);
}

#[tokio::test(start_paused = true)]
async fn of_a_synchronous_call_with_subscribers() {
    let mill = mill().await;
    mill.deploy("f", "description: one").await;
    mill.deploy("g", "triggers: {m: {kind: message, attributes: {subscribeTo: f}}}").await;
    let received = mill.now();
    let called = mill.call("f", "a").await.expect("it is answered");
    assert_eq!(called.timings.commit_us, 7_000);
    assert_eq!(u128::from(called.timings.total_us()), mill.now().since(received).as_micros());
    mill.pass(1000 * MS).await;
    mill.invocations("f").await.iter().for_each(check);
}

#[tokio::test(start_paused = true)]
async fn of_queued_invocations() {
    let mill = mill().await;
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0, idleTimeout: 1s, retry: {initial: 1s}").await;
    mill.until("the worker is idle for long", || mill.stage.living().is_empty()).await;
    let mut ids = Vec::new();
    for body in ["cold", "bad", "behind"] {
        let options = SubmitOptions { received_at: Some(mill.now()), ..SubmitOptions::default() };
        mill.pass(3 * MS).await;
        ids.push(mill.try_submit("f", body, options).await.expect("it is accepted"));
    }
    for id in &ids {
        let detail = mill.ended(*id).await;
        check(&detail.invocation);
        assert_eq!(detail.invocation.timings.received_us, 3_000);
        assert_eq!(detail.invocation.timings.user_code_us, 50_000);
    }
    let cold = mill.detail(ids[0]).await.invocation.timings;
    assert!(cold.cold_start_us > 200_000, "{cold:?}");
    // Directly handed over.
    let id = mill.submit("f", "warm").await;
    let detail = mill.ended(id).await;
    check(&detail.invocation);
    let timings = detail.invocation.timings;
    assert_eq!((timings.queued_us, timings.cold_start_us, timings.commit_us), (0, 0, 18_000), "{timings:?}");
}

#[tokio::test(start_paused = true)]
async fn of_a_batch() {
    let mill = mill().await;
    mill.stage.succeed(50 * MS);
    mill.deploy("f", "triggers: {h: {kind: http, batch: {mode: enable, batchSize: 3, timeout: 5s}}}").await;
    let mut ids = Vec::new();
    for body in ["a", "b", "c"] {
        ids.push(mill.submit("f", body).await);
    }
    for id in ids {
        check(&mill.ended(id).await.invocation);
    }
}
