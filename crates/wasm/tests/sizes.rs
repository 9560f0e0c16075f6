//! Guests that hand over more than is kept.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Bench, HANDLE, call, command, component, lines, raised, reply};
use tidemill_core::{
    invocation::LogLevel,
    limits::{LOG_MESSAGE_BYTES_MAX, SENDS_BYTES_MAX},
    ports::Call,
};

const MIB: u32 = 1024 * 1024;

#[tokio::test]
async fn no_more_of_a_text_is_looked_at_than_is_kept() {
    let bytes = 100 * MIB;
    let module = format!(
        r#"(module
  (import "tidemill" "log" (func $log (param i32 i32 i32)))
  (import "tidemill" "send" (func $send (param i32 i32) (result i32)))
  (import "tidemill" "state_write" (func $state_write (param i32 i32) (result i32)))
  (memory (export "memory") 1601)
  (func (export "_start")
    (memory.fill (i32.const 0) (i32.const 0x61) (i32.const {bytes}))
    (call $log (i32.const 1) (i32.const 0) (i32.const {bytes}))
    (if (i32.eqz (call $send (i32.const 0) (i32.const {bytes}))) (then unreachable))
    (if (i32.eqz (call $state_write (i32.const 0) (i32.const {bytes}))) (then unreachable))))"#
    );
    let bench = Bench::new();
    let worker = bench.launch(module).await;
    let end = worker.call(&Call { state: Some(bytes::Bytes::new()), ..call("") }).await;
    assert_eq!(reply(&end).status, 200);
    let log = lines(&end);
    assert!(log[0].1.len() <= LOG_MESSAGE_BYTES_MAX && log[0].1.ends_with(" bytes]"), "{}", log[0].1.len());
    let cut: u32 = log[0].1.rsplit_once("[cut, ").unwrap().1.trim_end_matches(" bytes]").parse().unwrap();
    assert!(cut > 99 * MIB, "{cut}");
    assert_eq!(log[1], (LogLevel::Warn, "a message has 104857600 bytes, more than can be one"));
    assert_eq!(log[2], (LogLevel::Warn, "its state has 104857600 bytes, more than the 4194304 that are allowed"));
}

#[tokio::test]
async fn large_fields_are_counted_and_left_out() {
    let bytes = 64 * MIB;
    let guest = component(
        "function",
        &format!(
            r#"
  (func {HANDLE} (param $event i32) (result i32) (local $at i32)
    (local.set $at (call $allocate (i32.const 0) (i32.const 0) (i32.const 1) (i32.const {bytes})))
    (memory.fill (local.get $at) (i32.const 0x20) (i32.const {bytes}))
    (call $log (i32.const 1) (i32.const 100) (i32.const 0) (i32.const 1) (local.get $at) (i32.const {bytes}))
    (call $reply (i32.const 100) (i32.const 0)))"#
        ),
    );
    let end = Bench::new().launch(guest).await.call(&call("")).await;
    assert_eq!(reply(&end).status, 200);
    assert_eq!(end.logs[0].fields, Some(serde_json::json!({"left_out": format!("{bytes} bytes of fields")})));
}

#[tokio::test]
async fn the_key_of_a_message_counts() {
    let bytes = 8 * MIB;
    let guest = component(
        "function",
        &format!(
            r#"
  (data (i32.const 100) "next")
  (func {HANDLE} (param $event i32) (result i32) (local $at i32)
    (local.set $at (call $allocate (i32.const 0) (i32.const 0) (i32.const 1) (i32.const {bytes})))
    (memory.fill (local.get $at) (i32.const 0x6b) (i32.const {bytes}))
    (loop $again
      (call $send (i32.const 100) (i32.const 4) (i32.const 1) (local.get $at) (i32.const {bytes}) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 2048))
      (br_if $again (i32.eqz (i32.load8_u (i32.const 2048)))))
    (call $fail (i32.load (i32.const 2052)) (i32.load (i32.const 2056))))"#
        ),
    );
    let end = Bench::new().launch(guest).await.call(&call("")).await;
    assert_eq!(raised(&end).0, format!("the messages have more than the {SENDS_BYTES_MAX} bytes that are allowed"));
}

#[tokio::test]
async fn tables_are_of_the_memory_of_all() {
    let bench = Bench::with(|config| config.memory_bytes_max = 3 << 20);
    let tables = "(table $a 0 funcref) (table $b 0 funcref) (table $c 0 funcref)";
    let grow = |table: &str| format!("(table.grow {table} (ref.null func) (i32.const 100000))");
    let module = command(&format!(
        r#"{tables}
  (func (export "_start")
    (if (i32.ne {} (i32.const 0)) (then unreachable))
    (if (i32.ne {} (i32.const 0)) (then unreachable))
    (if (i32.ne {} (i32.const -1)) (then unreachable)))"#,
        grow("$a"),
        grow("$b"),
        grow("$c"),
    ));
    let end = bench.launch(module).await.call(&call("")).await;
    assert_eq!(reply(&end).status, 200);
}
