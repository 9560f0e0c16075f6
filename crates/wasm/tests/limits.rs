//! Guests that take what they can get: each ends its own call, with a reason, and nothing else.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{Bench, ECHO, HANDLE, broken, call, call_within, command, component, raised, reply, text};
use tidemill_core::{
    invocation::{AttemptOutcome, LogLevel},
    limits::{LOG_ATTEMPT_LINES_MAX, RESPONSE_BODY_BYTES_MAX, SENDS_MAX},
    ports::{CallEnd, Driver as _, Worker},
    spec::{FunctionSpec, Runtime},
};

async fn end_of(bench: &Bench, body: &str) -> CallEnd {
    let worker = bench.launch(command(body)).await;
    let end = worker.call(&call("")).await;
    // The worker goes on.
    assert!(worker.is_alive());
    end
}

/// Calls a worker that echoes many times at once.
async fn all_are_echoed(worker: &Arc<dyn Worker>) {
    let calls: Vec<_> = (0..40)
        .map(|number| {
            let worker = worker.clone();
            tokio::spawn(async move { text(&worker.call(&call(number.to_string())).await) })
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), number.to_string());
    }
}

/// The backtrace that the log ends with.
fn trace(end: &CallEnd) -> &str {
    let last = end.logs.last().unwrap();
    assert_eq!(last.level, LogLevel::Error);
    &last.message
}

#[tokio::test]
async fn a_loop_ends_with_the_event_timeout_and_says_where_it_was() {
    let bench = Bench::new();
    let worker = bench
        .launch(command(
            r#"
  (func $spin (loop $again (br $again)))
  (func (export "_start") (if (call $read) (then (call $spin))))"#,
        ))
        .await;
    let end = worker.call(&call_within("go", Duration::from_millis(100))).await;
    assert_eq!(broken(&end), (AttemptOutcome::TimedOut, "ran longer than its event timeout of 100 ms"));
    assert!(trace(&end).contains("  at spin (guest+0x"), "{}", trace(&end));
    // One that sleeps is ended, too.
    assert_eq!(text(&worker.call(&call("")).await), "");
}

#[tokio::test]
async fn a_sleep_ends_with_the_event_timeout() {
    let bench = Bench::new();
    let worker = bench
        .launch(
            r#"(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    ;; A subscription to the monotonic clock, an hour from now.
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 3600000000000))
    (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))))"#,
        )
        .await;
    let end = worker.call(&call_within("", Duration::from_millis(50))).await;
    assert_eq!(broken(&end).0, AttemptOutcome::TimedOut);
}

#[tokio::test(flavor = "current_thread")]
async fn loops_hold_up_nobody_else() {
    // A function has half of them.
    let bench = Bench::with(|config| config.instances_max = 32);
    let looping = bench.launch(command("(func (export \"_start\") (loop $again (br $again)))")).await;
    let quick = bench.launch(command(ECHO)).await;
    let long: Vec<_> = (0..8)
        .map(|_| {
            let looping: Arc<dyn Worker> = looping.clone();
            tokio::spawn(async move { looping.call(&call_within("", Duration::from_secs(2))).await })
        })
        .collect();
    // All of these get their turn while the others go on.
    for _ in 0..50 {
        assert_eq!(text(&quick.call(&call("x")).await), "x");
    }
    assert!(long.iter().all(|call| !call.is_finished()));
    for call in long {
        assert_eq!(broken(&call.await.unwrap()).0, AttemptOutcome::TimedOut);
    }
}

#[tokio::test]
async fn memory_ends_at_its_limit() {
    let grow = r#"
  (func (export "_start")
    (loop $again
      (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    unreachable)"#;
    let bench = Bench::new();
    let end = end_of(&bench, grow).await;
    assert_eq!(broken(&end), (AttemptOutcome::OutOfMemory, "used more than its memory limit of 128 MiB"));
    assert!(end.report.unwrap().memory_bytes_max > 100 << 20);
    let worker = bench.launch_with(command(grow), |spec| spec.resources.memory_bytes = Some(3 << 20)).await;
    let end = worker.call(&call("")).await;
    assert_eq!(broken(&end), (AttemptOutcome::OutOfMemory, "used more than its memory limit of 3 MiB"));
    // Whoever can live with a refusal may.
    let modest = command(
        r#"
  (func (export "_start")
    (if (i32.ne (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable)))"#,
    );
    assert_eq!(text(&bench.launch(modest).await.call(&call("")).await), "");
}

#[tokio::test]
async fn all_instances_together_have_their_limit() {
    let bench = Bench::with(|config| config.memory_bytes_max = 8 << 20);
    let grow = r#"
  (func (export "_start")
    (loop $again
      (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    unreachable)"#;
    let end = end_of(&bench, grow).await;
    let reason = "found no memory: all instances together use what the setting wasm.memory leaves them, 8 MiB";
    assert_eq!(broken(&end), (AttemptOutcome::OutOfMemory, reason));
    // Two of these fit at once. The others wait for theirs, and all get it.
    let worker = bench.launch(command(ECHO).replace("\"memory\") 2", "\"memory\") 64")).await;
    all_are_echoed(&worker).await;
}

#[tokio::test]
async fn the_stack_ends() {
    let end = end_of(
        &Bench::new(),
        r#"
  (func $recurse (param i64) (result i64) (i64.add (call $recurse (local.get 0)) (i64.const 1)))
  (func (export "_start") (drop (call $recurse (i64.const 0))))"#,
    )
    .await;
    assert_eq!(broken(&end), (AttemptOutcome::Crashed, "trapped in recurse: call stack exhausted"));
    let trace = trace(&end);
    assert!(trace.starts_with("trapped in recurse: call stack exhausted\n  at recurse (guest"), "{trace}");
    assert!(trace.lines().count() < 40);
}

#[tokio::test]
async fn a_trap_has_a_backtrace() {
    let end = end_of(
        &Bench::new(),
        r#"
  (func $divide (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
  (func $parse (drop (call $divide (i32.const 0))))
  (func $main (export "_start") (call $parse))"#,
    )
    .await;
    assert_eq!(broken(&end), (AttemptOutcome::Crashed, "trapped in divide: integer divide by zero"));
    let frames: Vec<&str> = trace(&end).lines().skip(1).map(|line| line.split(" (").next().unwrap()).collect();
    assert_eq!(frames, ["  at divide", "  at parse", "  at main"]);
}

#[tokio::test]
async fn whoever_gives_up_has_the_last_word() {
    let body = r#"
  (data (i32.const 100) "thread 'main' panicked at a.rs:1:1:\nno such tide\nnote: run again\n")
  (func $abort (export "_start")
    (drop (call $write (i32.const 2) (i32.const 100) (i32.const 65)))
    unreachable)"#;
    let end = end_of(&Bench::new(), body).await;
    let reason = "trapped in abort: it gave up (unreachable code): no such tide";
    assert_eq!(broken(&end), (AttemptOutcome::Crashed, reason));
    assert!(trace(&end).starts_with(reason));
}

#[tokio::test]
async fn tables_end() {
    let end = end_of(
        &Bench::new(),
        r#"
  (table $table 1 funcref)
  (func (export "_start")
    (loop $again
      (br_if $again (i32.ne (table.grow $table (ref.null func) (i32.const 10000)) (i32.const -1))))
    unreachable)"#,
    )
    .await;
    let (outcome, reason) = broken(&end);
    assert_eq!(outcome, AttemptOutcome::Crashed);
    assert!(reason.ends_with("after a table could not grow"), "{reason}");
}

#[tokio::test]
async fn a_flood_of_log_lines_is_cut() {
    let end = end_of(
        &Bench::new(),
        &r#"
  (data (i32.const 100) "LINE\n")
  (func (export "_start") (local $left i32)
    (local.set $left (i32.const 30000))
    (loop $again
      (drop (call $write (i32.const 2) (i32.const 100) (i32.const 1001)))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))"#
            .replace("LINE", &"x".repeat(1000)),
    )
    .await;
    assert_eq!(reply(&end).status, 200);
    assert!(end.logs.len() <= LOG_ATTEMPT_LINES_MAX + 1);
    assert_eq!(end.logs.last().unwrap().message, "log limit reached, further lines are dropped");
}

#[tokio::test]
async fn a_huge_reply_is_none() {
    let bench = Bench::new();
    let end = end_of(
        &bench,
        r#"
  (func (export "_start")
    (loop $again
      (drop (call $write (i32.const 1) (i32.const 65536) (i32.const 65536)))
      (br $again)))"#,
    )
    .await;
    let reason = format!("the response has more than the {RESPONSE_BODY_BYTES_MAX} bytes that are allowed");
    assert_eq!(broken(&end), (AttemptOutcome::BadResponse, reason.as_str()));

    let huge = component(
        "function",
        &format!(
            r#"(func {HANDLE} (param $event i32) (result i32)
  (call $reply (call $allocate (i32.const 0) (i32.const 0) (i32.const 1) (i32.const {0})) (i32.const {0})))"#,
            RESPONSE_BODY_BYTES_MAX + 1
        ),
    );
    let worker = bench.launch(huge).await;
    let end = worker.call(&call("")).await;
    assert_eq!(broken(&end).0, AttemptOutcome::BadResponse);
    assert!(broken(&end).1.contains("more than the 67108864 that are allowed"), "{:?}", end.outcome);
}

#[tokio::test]
async fn messages_are_counted() {
    let bench = Bench::new();
    let worker = bench
        .launch(component(
            "function",
            &format!(
                r#"
  (data (i32.const 100) "next")
  (func {HANDLE} (param $event i32) (result i32)
    (loop $again
      (call $send (i32.const 100) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 2048))
      (br_if $again (i32.eqz (i32.load8_u (i32.const 2048)))))
    (call $fail (i32.load (i32.const 2052)) (i32.load (i32.const 2056))))"#
            ),
        ))
        .await;
    let end = worker.call(&call("")).await;
    assert_eq!(raised(&end).0, format!("it sent more than the {SENDS_MAX} messages that are allowed"));
}

#[tokio::test]
async fn random_numbers_are_no_way_to_the_host_s_memory() {
    let end = end_of(
        &Bench::new(),
        r#"
  (func $ask (param $bytes i32))
  (func (export "_start") (drop (memory.grow (i32.const 1024))))"#,
    )
    .await;
    assert_eq!(reply(&end).status, 200);
    let asks = r#"(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1024)
  (func (export "_start") (if (call $random (i32.const 0) (i32.const 60000000)) (then unreachable))))"#;
    let worker = Bench::new().launch(asks).await;
    assert_eq!(broken(&worker.call(&call("")).await).0, AttemptOutcome::Crashed);
}

#[tokio::test]
async fn calls_beyond_the_room_wait_for_it() {
    let bench = Bench::with(|config| config.instances_max = 2);
    let worker = bench.launch(command(ECHO)).await;
    all_are_echoed(&worker).await;
}

#[tokio::test]
async fn a_driver_without_room_says_so() {
    let bench = Bench::with(|config| config.instances_max = 1);
    let spec = FunctionSpec::new(Runtime::Wasm);
    let worker = bench.launch(command("(func (export \"_start\") (loop $again (br $again)))")).await;
    assert_eq!(bench.driver.outage(&spec).await, None);
    let looping = call("");
    let (end, ()) = tokio::join!(worker.call(&looping), async {
        let mut said = None;
        while said.is_none() {
            tokio::task::yield_now().await;
            said = bench.driver.outage(&spec).await;
        }
        assert!(said.unwrap().contains("wasm.instances_max"));
        worker.cancel(looping.invocation).await;
    });
    assert_eq!(broken(&end).0, AttemptOutcome::Cancelled);
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_nothing() {
    let bench = Bench::with(|config| config.instances_max = 1);
    let worker =
        bench.launch(command("(func (export \"_start\") (if (call $read) (then (loop $again (br $again)))))")).await;
    for _ in 0..3 {
        let given_up = tokio::time::timeout(Duration::from_millis(30), worker.call(&call("go"))).await;
        assert!(given_up.is_err());
    }
    // The only instance is free again.
    assert_eq!(text(&worker.call(&call("")).await), "");
}
