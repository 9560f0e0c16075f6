//! Command modules: stdin to stdout, as the shell runtime does it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

use bytes::Bytes;
use common::{Bench, ECHO, broken, call, command, event, invocation, lines, raised, reply, text};
use serde_json::json;
use tidemill_core::{
    Event,
    invocation::{AttemptOutcome, LogLevel},
    ports::{Call, CallOutcome},
    spec::EnvVar,
};

#[tokio::test]
async fn the_body_is_stdin_and_stdout_is_the_reply() {
    let bench = Bench::new();
    let worker = bench.launch(command(ECHO)).await;
    let end = worker.call(&call("high tide")).await;
    assert_eq!((reply(&end).status, text(&end).as_str()), (200, "high tide"));
    assert_eq!(reply(&end).content_type, "text/plain; charset=utf-8");
    let large = vec![b'x'; 3 << 20];
    assert_eq!(reply(&worker.call(&call(large.clone())).await).body, large);
    assert!(text(&worker.call(&call("")).await).is_empty());
    assert!(worker.slots() > 1);
}

#[tokio::test]
async fn nothing_stays_from_one_event_to_the_next() {
    let bench = Bench::new();
    let worker = bench
        .launch(command(
            r#"
  (global $count (mut i32) (i32.const 48))
  (func (export "_start")
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 100) (global.get $count))
    (i32.store8 (i32.const 101) (i32.add (i32.load8_u (i32.const 200)) (i32.const 48)))
    (i32.store8 (i32.const 200) (i32.const 1))
    (drop (call $write (i32.const 1) (i32.const 100) (i32.const 2))))"#,
        ))
        .await;
    for _ in 0..3 {
        assert_eq!(text(&worker.call(&call("")).await), "10");
    }
}

#[tokio::test]
async fn stderr_is_the_log_and_an_exit_code_a_failure() {
    let bench = Bench::new();
    let worker = bench
        .launch(command(
            r#"
  (data (i32.const 100) "reading\nno such size")
  (func (export "_start")
    (drop (call $write (i32.const 2) (i32.const 100) (i32.const 20)))
    (call $proc_exit (i32.const 3)))"#,
        ))
        .await;
    let end = worker.call(&call("")).await;
    assert_eq!(raised(&end), ("exit status 3: no such size", 500));
    assert_eq!(lines(&end), [(LogLevel::Warn, "reading"), (LogLevel::Warn, "no such size")]);
    assert_eq!(end.report.unwrap().exit_code, Some(3));
    assert!(worker.is_alive());
}

#[tokio::test]
async fn an_exit_with_0_is_a_success() {
    let bench = Bench::new();
    let worker = bench
        .launch(command(
            r#"
  (data (i32.const 100) "done")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 100) (i32.const 4)))
    (call $proc_exit (i32.const 0)))"#,
        ))
        .await;
    assert_eq!(text(&worker.call(&call("")).await), "done");
}

/// Prints its environment and arguments, each ended by a zero byte.
const FACTS: &str = r#"
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (func (export "_start")
    (drop (call $environ_sizes (i32.const 100) (i32.const 104)))
    (drop (call $environ (i32.const 1024) (i32.const 65536)))
    (drop (call $write (i32.const 1) (i32.const 65536) (i32.load (i32.const 104))))
    (drop (call $args_sizes (i32.const 100) (i32.const 104)))
    (drop (call $args (i32.const 1024) (i32.const 65536)))
    (drop (call $write (i32.const 1) (i32.const 65536) (i32.load (i32.const 104)))))"#;

/// Imports must come first.
fn with_imports(body: &str) -> String {
    let (imports, rest): (Vec<&str>, Vec<&str>) = body.lines().partition(|line| line.trim().starts_with("(import"));
    command(&rest.join("\n")).replacen("(module $guest\n", &format!("(module $guest\n{}\n", imports.join("\n")), 1)
}

#[tokio::test]
async fn the_event_is_its_environment_and_the_server_s_is_not() {
    let bench = Bench::new();
    let worker = bench
        .launch_with(with_imports(FACTS), |spec| {
            spec.env = vec![EnvVar { name: "TIDE".to_owned(), value: "high".to_owned() }];
            spec.runtime_attributes.insert("arguments".to_owned(), json!("-n 5"));
        })
        .await;
    let event = Event { query: "w=1".to_owned(), headers: vec![("x-one".to_owned(), "1".to_owned())], ..event("") };
    let event = Event { caller: "ann".to_owned(), ..event };
    let key = Some("line-1".to_owned());
    let end = worker.call(&Call { key, ..Call::single(invocation(), 2, event) }).await;
    let said = text(&end);
    let said: Vec<&str> = said.split_terminator('\0').collect();
    for expected in [
        "TIDE=high",
        "QUERY_STRING=w=1",
        "HTTP_X_ONE=1",
        "TIDEMILL_ATTEMPT=2",
        "TIDEMILL_KEY=line-1",
        "TIDEMILL_CALLER=ann",
        "TIDEMILL_FUNCTION=guest",
    ] {
        assert!(said.contains(&expected), "{expected} in {said:?}");
    }
    assert_eq!(&said[said.len() - 3..], ["guest", "-n", "5"]);
    for foreign in ["PATH=", "HOME=", "CARGO", "USER="] {
        assert!(!said.iter().any(|line| line.starts_with(foreign)), "{foreign} in {said:?}");
    }
}

#[tokio::test]
async fn settings_add_headers() {
    let bench = Bench::new();
    let worker = bench
        .launch_with(command(ECHO), |spec| {
            let headers = json!({"Content-Type": "application/json", "X-Tide": 3});
            spec.runtime_attributes.insert("responseHeaders".to_owned(), headers);
        })
        .await;
    let end = worker.call(&call("{}")).await;
    assert_eq!(reply(&end).content_type, "application/json");
    assert_eq!(reply(&end).headers, [("X-Tide".to_owned(), "3".to_owned())]);
}

/// Sends its stdin as a message, and appends a 1 to its state.
const ACTOR: &str = r#"
  (import "tidemill" "send" (func $send (param i32 i32) (result i32)))
  (import "tidemill" "log" (func $log (param i32 i32 i32)))
  (import "tidemill" "state_size" (func $state_size (result i32)))
  (import "tidemill" "state_read" (func $state_read (param i32 i32) (result i32)))
  (import "tidemill" "state_write" (func $state_write (param i32 i32) (result i32)))
  (data (i32.const 100) "counted")
  (func (export "_start") (local $size i32)
    (local.set $size (call $state_size))
    (if (i32.ge_s (local.get $size) (i32.const 0))
      (then
        (drop (call $state_read (i32.const 1024) (local.get $size)))
        (i32.store8 (i32.add (i32.const 1024) (local.get $size)) (i32.const 49))
        (drop (call $state_write (i32.const 1024) (i32.add (local.get $size) (i32.const 1))))
        (call $log (i32.const 1) (i32.const 100) (i32.const 7))))
    (if (call $send (i32.const 65536) (call $read)) (then (call $proc_exit (i32.const 1)))))"#;

#[tokio::test]
async fn it_has_state_and_sends_messages() {
    let bench = Bench::new();
    let worker = bench.launch(with_imports(ACTOR)).await;
    let message =
        json!({"function": "next", "key": "k", "body_base64": "aGk=", "headers": {"X-A": "b"}, "delay_ms": 7});
    let with_state = Call { state: Some(Bytes::from_static(b"41")), ..call(message.to_string()) };
    let end = worker.call(&with_state).await;
    assert_eq!(text(&end), "");
    assert_eq!(end.state.unwrap(), "411");
    assert_eq!(end.sends.len(), 1);
    let sent = &end.sends[0];
    assert_eq!((sent.function.as_str(), sent.key.as_deref(), &sent.body[..]), ("next", Some("k"), &b"hi"[..]));
    assert_eq!((sent.headers.clone(), sent.delay.as_millis()), (vec![("x-a".to_owned(), "b".to_owned())], 7));
    assert_eq!(end.logs[0].message, "counted");

    let end = worker.call(&call(r#"{"function": "next", "size": 1}"#)).await;
    assert!(raised(&end).0.starts_with("exit status 1: the message is not understood: unknown field `size`"));
    assert!(end.sends.is_empty() && end.state.is_none());
}

#[tokio::test]
async fn a_batch_is_one_run_for_each_event() {
    let bench = Bench::new();
    let worker = bench.launch(command(ECHO)).await;
    let events = vec![event("one"), event("two")];
    let events = events.into_iter().map(Arc::new).collect();
    let end = worker.call(&Call { events, is_batch: true, ..Call::single(invocation(), 1, Event::default()) }).await;
    let CallOutcome::Replied(replies) = end.outcome else { panic!("{:?}", end.outcome) };
    assert_eq!(replies.iter().map(|reply| &reply.body[..]).collect::<Vec<_>>(), [b"one", b"two"]);
}

#[tokio::test]
async fn what_is_no_program_is_refused_with_the_reason() {
    let bench = Bench::new();
    let mut foreign = wat::parse_str("(module)").unwrap();
    foreign[4] = 9;
    for (module, reason) in [
        (&b"(module"[..], "neither WebAssembly nor its text form: expected `)` (line 1:8)"),
        (b"\x7fELF", "neither WebAssembly"),
        (b"\x7fELF\xff\xfe", "guest.wat does not begin as WebAssembly does (\\0asm), nor is it text"),
        (
            b"(module (func (export \"_start\") (param i32)))",
            "_start has parameters or results; that of a command has none\nhint: compile it",
        ),
        (&foreign, "a version of WebAssembly that this program does not know"),
        (b"(module (func (export \"run\")))", "no command; it exports run\nhint: compile it as"),
        (b"(module (import \"env\" \"f\" (func)) (func (export \"_start\")))", "unknown import: `env::f`"),
        (
            b"(module (import \"tidemill\" \"logg\" (func (param i32))) (func (export \"_start\")))",
            "has not been defined\nhint: did you mean `tidemill::log`?",
        ),
        (
            b"(module (import \"tidemill\" \"log\" (func (param i64))) (func (export \"_start\")))",
            "imports with another type what is offered here: incompatible import type for `tidemill::log`",
        ),
        (b"(component)", "exports none of tidemill:function/handler@0.1.0, wasi:http/incoming-handler@0.2"),
        (
            b"(component (instance $i) (export \"acme:shop/basket@1.0.0\" (instance $i)))",
            "wasi:cli/run@0.2, but acme:shop/basket@1.0.0\nhint: make it for a world with one of them",
        ),
        (
            b"(module (memory 4096) (func (export \"_start\")))",
            "begins with 256 MiB of memory, more than its memory limit of 128 MiB\nhint: set resources.limits.memory to 256Mi",
        ),
        (b"(module (func $s unreachable) (start $s) (func (export \"_start\")))", "trapped in s: it gave up"),
        (b"(module (func (export \"_start\") i32.add))", "type mismatch"),
    ] {
        let error = bench.try_launch(module, |_| {}).await.err().unwrap();
        assert!(error.reason.contains(reason), "{reason:?} in {:?}", error.reason);
        assert!(error.logs.is_empty());
    }
}

#[tokio::test]
async fn a_worker_that_is_stopped_ends_its_calls() {
    let bench = Bench::new();
    let worker = bench.launch(command("(func (export \"_start\") (loop $again (br $again)))")).await;
    let looping = call("");
    let cancelled = call("");
    let (interrupted, cancelled, ()) = tokio::join!(worker.call(&looping), worker.call(&cancelled), async {
        worker.cancel(cancelled.invocation).await;
        worker.stop(std::time::Duration::from_millis(20)).await;
    });
    assert_eq!(broken(&interrupted).0, AttemptOutcome::Interrupted);
    assert_eq!(broken(&cancelled).0, AttemptOutcome::Cancelled);
    assert!(!worker.is_alive());
    worker.gone().await;
    assert_eq!(broken(&worker.call(&call("")).await).0, AttemptOutcome::Interrupted);
}
