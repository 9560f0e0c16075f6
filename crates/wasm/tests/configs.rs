//! Configs of functions. What components see of them is in `conformance/`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{collections::BTreeMap, sync::Arc};

use common::{Bench, broken, call, text};
use serde_json::{Value, json};
use tidemill_core::{invocation::AttemptOutcome, limits::CONFIGS_BYTES_MAX, ports::Call};

/// Prints its configs.
const SHOW: &str = r#"(module
  (import "tidemill" "configs_size" (func $size (result i32)))
  (import "tidemill" "configs_read" (func $read (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 40)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (call $read (i32.const 64) (call $size)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

fn call_with(configs: &[(&str, &str)]) -> Call {
    let configs = configs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Call { configs: Arc::new(configs.collect::<BTreeMap<_, _>>()), ..call("") }
}

#[tokio::test]
async fn a_command_reads_its_configs_anew_for_each_event() {
    let bench = Bench::new();
    let worker = bench.launch(SHOW).await;
    for (configs, expected) in [
        (
            vec![("password", "it's \"säcret\"\n"), ("region", "eu")],
            json!({"password": "it's \"säcret\"\n", "region": "eu"}),
        ),
        (vec![], json!({})),
    ] {
        let end = worker.call(&call_with(&configs)).await;
        assert_eq!(serde_json::from_str::<Value>(&text(&end)).unwrap(), expected);
    }
}

#[tokio::test]
async fn configs_beyond_their_limit_cost_the_call() {
    let bench = Bench::new();
    let worker = bench.launch(SHOW).await;
    let most = "k".repeat(CONFIGS_BYTES_MAX - "key".len());
    let end = worker.call(&call_with(&[("key", &format!("{most}k"))])).await;
    let (outcome, reason) = broken(&end);
    assert_eq!(outcome, AttemptOutcome::LaunchFailed);
    assert!(reason.contains("the largest is \"key\"") && !reason.contains("kk"), "{reason}");
    assert_eq!(text(&worker.call(&call_with(&[("key", &most)])).await).len(), most.len() + "{\"key\":\"\"}".len());
}
