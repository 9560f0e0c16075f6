//! Calls that wait for room which others have.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{Bench, broken, call, call_within, command, text};
use tidemill_core::{
    invocation::AttemptOutcome,
    ports::{Call, CallEnd, Driver as _, Worker},
};
use tokio::task::JoinHandle;

/// Computes for ever when it gets an event with a body, and says what it got otherwise.
const LOOPS: &str = r#"
  (data (i32.const 100) "begun\n")
  (func (export "_start")
    (if (call $read)
      (then
        (drop (call $write (i32.const 2) (i32.const 100) (i32.const 6)))
        (loop $again (br $again)))))"#;

fn calls(worker: &Arc<dyn Worker>, call: Call) -> JoinHandle<CallEnd> {
    let worker = worker.clone();
    tokio::spawn(async move { worker.call(&call).await })
}

/// A server of one instance, and a call that has it until it is cancelled.
async fn full() -> (Bench, Arc<dyn Worker>, Call, JoinHandle<CallEnd>) {
    let bench = Bench::with(|config| config.instances_max = 1);
    let worker = bench.launch(command(LOOPS)).await;
    let looping = call("go");
    let running = calls(&worker, looping.clone());
    while worker.logs_so_far(looping.invocation).await.is_none_or(|lines| lines.is_empty()) {
        tokio::task::yield_now().await;
    }
    (bench, worker, looping, running)
}

/// Waits until a call is open, and lets it come as far as it can.
async fn is_open(worker: &Arc<dyn Worker>, call: &Call) {
    while worker.logs_so_far(call.invocation).await.is_none() {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_that_waits_can_be_cancelled() {
    let (_bench, worker, looping, running) = full().await;
    let waiting = call("");
    let waits = calls(&worker, waiting.clone());
    is_open(&worker, &waiting).await;
    worker.cancel(waiting.invocation).await;
    assert_eq!(broken(&waits.await.unwrap()), (AttemptOutcome::Cancelled, "it was cancelled"));
    assert!(!running.is_finished());
    worker.cancel(looping.invocation).await;
    assert_eq!(broken(&running.await.unwrap()).0, AttemptOutcome::Cancelled);
    assert_eq!(text(&worker.call(&call("")).await), "");
}

#[tokio::test]
async fn one_that_waits_leaves_with_its_worker() {
    let (bench, worker, looping, running) = full().await;
    let other = worker.clone();
    let waiting = call("");
    let waits = calls(&other, waiting.clone());
    is_open(&worker, &waiting).await;
    let stopping = tokio::spawn({
        let worker = worker.clone();
        async move { worker.stop(Duration::from_secs(900)).await }
    });
    let end = waits.await.unwrap();
    assert_eq!(broken(&end), (AttemptOutcome::Interrupted, "the worker was stopped before the call had begun"));
    // What has begun has its grace.
    assert!(!running.is_finished());
    worker.cancel(looping.invocation).await;
    stopping.await.unwrap();
    assert_eq!(broken(&running.await.unwrap()).0, AttemptOutcome::Cancelled);
    bench.driver.close().await;
}

#[tokio::test]
async fn one_that_waits_leaves_with_the_server() {
    let (bench, worker, looping, _running) = full().await;
    let waiting = call("");
    let waits = calls(&worker, waiting.clone());
    is_open(&worker, &waiting).await;
    bench.driver.close().await;
    let end = waits.await.unwrap();
    assert_eq!(broken(&end), (AttemptOutcome::Interrupted, "the server stopped before the call had begun"));
    worker.cancel(looping.invocation).await;
}

#[tokio::test]
async fn a_caller_waits_no_longer_than_it_may() {
    let (_bench, worker, looping, _running) = full().await;
    let end = worker.call(&Call { room_wait: Some(Duration::from_millis(1)), ..call("") }).await;
    assert_eq!(broken(&end).0, AttemptOutcome::Interrupted);
    assert!(broken(&end).1.starts_with("no instance became free in time"), "{end:?}");
    worker.cancel(looping.invocation).await;
}

#[tokio::test]
async fn the_time_of_an_event_does_not_pass_while_it_waits() {
    let (_bench, worker, looping, running) = full().await;
    let limit = Duration::from_secs(5);
    let waiting = call_within("", limit);
    let waits = calls(&worker, waiting.clone());
    is_open(&worker, &waiting).await;
    // The limit of another one that began at the same time is over.
    let mark = call_within("go", Duration::from_millis(1));
    let marking = calls(&worker, mark.clone());
    is_open(&worker, &mark).await;
    assert!(!waits.is_finished() && !marking.is_finished());
    worker.cancel(looping.invocation).await;
    assert_eq!(broken(&running.await.unwrap()).0, AttemptOutcome::Cancelled);
    assert_eq!(text(&waits.await.unwrap()), "");
    // It ran for its own time once it had its turn.
    let end = marking.await.unwrap();
    assert_eq!(broken(&end), (AttemptOutcome::TimedOut, "ran longer than its event timeout of 1 ms"));
}

/// A worker of another function.
async fn other(bench: &Bench) -> Arc<dyn Worker> {
    let mut launch = bench.launch_of(&bench.package(command(LOOPS)), |_| {});
    launch.function = "other".parse().unwrap();
    bench.driver.launch(launch).await.unwrap()
}

#[tokio::test]
async fn one_function_has_half_of_the_room() {
    let bench = Bench::with(|config| config.instances_max = 2);
    let (first, second) = (bench.launch(command(LOOPS)).await, bench.launch(command(LOOPS)).await);
    let (looping, waiting) = (call("go"), call("go"));
    let running = calls(&first, looping.clone());
    while first.logs_so_far(looping.invocation).await.is_none_or(|lines| lines.is_empty()) {
        tokio::task::yield_now().await;
    }
    let waits = calls(&second, waiting.clone());
    is_open(&second, &waiting).await;
    assert_eq!(text(&other(&bench).await.call(&call("")).await), "");
    assert_eq!(second.logs_so_far(waiting.invocation).await, Some(Vec::new()));
    first.cancel(looping.invocation).await;
    assert_eq!(broken(&running.await.unwrap()).0, AttemptOutcome::Cancelled);
    while second.logs_so_far(waiting.invocation).await.is_none_or(|lines| lines.is_empty()) {
        tokio::task::yield_now().await;
    }
    second.cancel(waiting.invocation).await;
    assert_eq!(broken(&waits.await.unwrap()).0, AttemptOutcome::Cancelled);
}

#[tokio::test]
async fn a_neighbour_with_all_memories_it_may_have_leaves_room_for_others() {
    let bench = Bench::with(|config| config.instances_max = 3);
    let greedy = format!("(memory $second 1) (memory $third 1) (memory $fourth 1) {LOOPS}");
    let worker = bench.launch(command(&greedy)).await;
    let open = [call("go"), call("go")];
    let running = open.clone().map(|call| calls(&worker, call));
    for call in &open {
        while worker.logs_so_far(call.invocation).await.is_none_or(|lines| lines.is_empty()) {
            tokio::task::yield_now().await;
        }
    }
    let other = other(&bench).await;
    assert_eq!(text(&other.call(&call("")).await), "");
    for call in &open {
        worker.cancel(call.invocation).await;
    }
    for running in running {
        assert_eq!(broken(&running.await.unwrap()).0, AttemptOutcome::Cancelled);
    }
}
