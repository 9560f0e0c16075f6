//! Components of Tidemill's own world.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use bytes::Bytes;
use common::{Bench, HANDLE, broken, call, component, event, invocation, lines, raised, reply, text};
use tidemill_core::{
    Event,
    event::CALL_DEPTH,
    invocation::{AttemptOutcome, LogLevel},
    ports::{Call, Driver as _},
};

/// The text field at `offset` of the event is the reply.
fn field(offset: u32) -> Vec<u8> {
    component(
        "function",
        &format!(
            r#"(func {HANDLE} (param $event i32) (result i32)
  (call $reply
    (i32.load offset={offset} (local.get $event))
    (i32.load offset={} (local.get $event))))"#,
            offset + 4
        ),
    )
}

#[tokio::test]
async fn an_event_goes_in_and_a_reply_comes_out() {
    let bench = Bench::new();
    let sent = Event {
        id: "e-1".to_owned(),
        kind: "photo.taken".to_owned(),
        method: "PUT".to_owned(),
        path: "/big".to_owned(),
        query: "w=1".to_owned(),
        content_type: "text/x-tide".to_owned(),
        caller: "ann".to_owned(),
        ..event("high tide")
    };
    for (offset, expected) in [
        (0, "e-1"),
        (16, "photo.taken"),
        (40, "ann"),
        (56, "default-http"),
        (64, "PUT"),
        (72, "/big"),
        (80, "w=1"),
        (96, "text/x-tide"),
        (108, "line"),
        (120, "high tide"),
    ] {
        let worker = bench.launch(field(offset)).await;
        let call = Call { key: Some("line".to_owned()), ..Call::single(invocation(), 1, sent.clone()) };
        let end = worker.call(&call).await;
        assert_eq!(text(&end), expected, "at {offset}");
        assert_eq!((reply(&end).status, reply(&end).content_type.as_str()), (200, "text/plain"));
    }
    let worker = bench.launch(field(120)).await;
    let large = vec![7; 20 << 20];
    assert_eq!(reply(&worker.call(&call(large.clone())).await).body, large);
}

#[tokio::test]
async fn it_logs_sends_and_keeps_state() {
    let bench = Bench::new();
    let worker = bench
        .launch(component(
            "function",
            &format!(
                r#"
  (data (i32.const 100) "counted")
  (data (i32.const 110) "{{\"n\":1}}")
  (data (i32.const 120) "next")
  (func {HANDLE} (param $event i32) (result i32)
    (call $log (i32.const 2) (i32.const 100) (i32.const 7) (i32.const 1) (i32.const 110) (i32.const 7))
    (call $send (i32.const 120) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 100) (i32.const 7) (i64.const 1500) (i32.const 2048))
    (if (i32.load8_u (i32.const 2048)) (then unreachable))
    ;; The state as it was is the reply, the event's body the new one.
    (call $get_state (i32.const 2048))
    (if (i32.load8_u (i32.const 2048)) (then (return (call $fail
      (i32.load (i32.const 2052)) (i32.load (i32.const 2056))))))
    (call $set_state (i32.load offset=120 (local.get $event)) (i32.load offset=124 (local.get $event)) (i32.const 3072))
    (if (i32.load8_u (i32.const 3072)) (then (return (call $fail
      (i32.load (i32.const 3076)) (i32.load (i32.const 3080))))))
    (call $reply (i32.load (i32.const 2056)) (i32.load (i32.const 2060))))"#
            ),
        ))
        .await;
    let with =
        |state: &'static str, body: &str| Call { state: Some(Bytes::from_static(state.as_bytes())), ..call(body) };
    let end = worker.call(&with("[1]", "[1,2]")).await;
    assert_eq!(text(&end), "[1]");
    assert_eq!(end.state.as_deref(), Some(&b"[1,2]"[..]));
    assert_eq!((end.sends[0].function.as_str(), &end.sends[0].body[..]), ("next", &b"counted"[..]));
    assert_eq!(end.sends[0].delay.as_millis(), 1500);
    assert_eq!(lines(&end), [(LogLevel::Warn, "counted")]);
    assert_eq!(end.logs[0].fields, Some(serde_json::json!({"n": 1})));
    assert!(end.report.unwrap().memory_bytes_max >= 65536);

    let end = worker.call(&with("", "[1,")).await;
    assert!(raised(&end).0.starts_with("the state is no JSON"), "{:?}", end.outcome);
    assert_eq!(raised(&end).1, 422);
    assert!(end.sends.is_empty() && end.state.is_none());

    let end = worker.call(&call("[]")).await;
    assert_eq!(raised(&end).0, "this function has no state: set spec.state to function or key");
}

#[tokio::test]
async fn init_runs_once_in_each_instance_before_its_event() {
    let bench = Bench::new();
    let worker = bench
        .launch(component(
            "function-with-init",
            &format!(
                r#"
  (data (i32.const 100) "initialised")
  (data (i32.const 120) "0")
  (func (export "tidemill:function/lifecycle@0.1.0#init") (result i32)
    (call $log (i32.const 1) (i32.const 100) (i32.const 11) (i32.const 0) (i32.const 0) (i32.const 0))
    (i32.store8 (i32.const 120) (i32.add (i32.load8_u (i32.const 120)) (i32.const 1)))
    (i32.store8 (i32.const 2048) (i32.const 0))
    (i32.const 2048))
  (func {HANDLE} (param $event i32) (result i32)
    (call $reply (i32.const 120) (i32.const 1)))"#
            ),
        ))
        .await;
    for _ in 0..2 {
        let end = worker.call(&call("")).await;
        assert_eq!(text(&end), "1");
        assert_eq!(lines(&end), [(LogLevel::Info, "initialised")]);
    }
}

#[tokio::test]
async fn an_init_that_fails_fails_the_launch() {
    let bench = Bench::new();
    let body = |init: &str| {
        format!(
            r#"
  (data (i32.const 100) "no database")
  (func $prepare (export "tidemill:function/lifecycle@0.1.0#init") (result i32)
    (call $log (i32.const 1) (i32.const 100) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0))
    {init})
  (func {HANDLE} (param $event i32) (result i32) (call $reply (i32.const 120) (i32.const 1)))"#
        )
    };
    let says = r#"(i32.store8 (i32.const 2048) (i32.const 1))
    (i32.store (i32.const 2052) (i32.const 100))
    (i32.store (i32.const 2056) (i32.const 11))
    (i32.const 2048)"#;
    let error = bench.try_launch(component("function-with-init", &body(says)), |_| {}).await.err().unwrap();
    assert_eq!(error.line(), "no database");
    assert_eq!(error.logs[0].message, "no");
    let error = bench.try_launch(component("function-with-init", &body("unreachable")), |_| {}).await.err().unwrap();
    assert_eq!(error.line(), "trapped in prepare: it gave up (unreachable code)");
    assert!(error.traceback().unwrap().starts_with("  at prepare (guest+0x"), "{error}");
    let file = bench.package(component("function-with-init", &body("(loop $again (br $again)) unreachable")));
    let launch = bench.launch_of(&file, |spec| spec.readiness_timeout = std::time::Duration::from_millis(50));
    // What it takes to compile is no part of this.
    bench.driver.warm(&launch).await;
    let error = bench.driver.launch(launch).await.err().unwrap();
    assert_eq!(error.line(), "ran longer than its readiness timeout of 50 ms");
}

#[tokio::test]
async fn a_reply_that_http_cannot_say_is_none() {
    let bench = Bench::new();
    let worker = bench
        .launch(component(
            "function",
            &format!(
                r#"(func {HANDLE} (param $event i32) (result i32) (local $reply i32)
  (local.set $reply (call $reply (i32.const 0) (i32.const 0)))
  (i32.store16 (i32.const 1028) (i32.const 999))
  (local.get $reply))"#
            ),
        ))
        .await;
    let end = worker.call(&call("")).await;
    assert_eq!(broken(&end), (AttemptOutcome::BadResponse, "the response has the status 999, which is none"));
}

#[tokio::test]
async fn functions_that_call_each_other_come_to_an_end() {
    let bench = Bench::new();
    let worker = bench
        .launch(component(
            "function",
            &format!(
                r#"
  (data (i32.const 100) "next")
  (func {HANDLE} (param $event i32) (result i32)
    (call $call (i32.const 100) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2048))
    (if (i32.load8_u (i32.const 2048))
      (then (return (call $fail (i32.load (i32.const 2052)) (i32.load (i32.const 2056))))))
    (call $reply (i32.const 100) (i32.const 4)))"#
            ),
        ))
        .await;
    let at = |depth: Option<u32>| {
        let headers = depth.map(|depth| (CALL_DEPTH.to_owned(), depth.to_string()));
        Call::single(invocation(), 1, Event { headers: headers.into_iter().collect(), ..event("") })
    };
    for (depth, next) in [(None, "1"), (Some(15), "16")] {
        bench.host.replies.lock().push(Ok(tidemill_core::invocation::Reply { status: 200, ..Default::default() }));
        assert_eq!(text(&worker.call(&at(depth)).await), "next");
        assert_eq!(bench.host.requests.lock().pop().unwrap().event.header(CALL_DEPTH), Some(next));
    }
    let end = worker.call(&at(Some(16))).await;
    assert_eq!(raised(&end).0, "16 functions called each other already, which is all that may");
    assert!(bench.host.requests.lock().is_empty());
}
