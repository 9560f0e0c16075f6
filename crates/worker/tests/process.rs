//! Workers through the driver's port: calls, logs, large bodies, faults, and nothing left behind.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{Bench, broken, call, call_within, reply};
use tidemill_core::{
    invocation::{AttemptOutcome, LogLevel},
    ports::{CallOutcome, Driver},
};

const ECHO: &str = "def handler(context, event):\n    print('got', len(event.body))\n    return event.body\n";

#[tokio::test]
async fn a_python_worker_answers_with_its_log() {
    let bench = Bench::new();
    let worker = bench.launch("echo.py", ECHO).await;
    for _ in 0..3 {
        let end = worker.call(&call("hello")).await;
        assert_eq!(reply(&end).body, "hello");
        assert_eq!(end.logs.len(), 1, "{:?}", end.logs);
        assert_eq!((end.logs[0].level, end.logs[0].message.as_str()), (LogLevel::Info, "got 5"));
    }
    assert!(worker.is_alive());
    worker.stop(Duration::from_secs(10)).await;
    assert!(!worker.is_alive());
    bench.driver.close().await;
}

#[tokio::test]
async fn a_node_worker_answers_with_its_log() {
    let bench = Bench::new();
    let source =
        "exports.handler = (context, event) => { console.log('got', event.body.length); context.callback(event.body) }";
    let worker = bench.launch("echo.js", source).await;
    let end = worker.call(&call("hello")).await;
    assert_eq!(reply(&end).body, "hello");
    assert_eq!(end.logs[0].message, "got 5");
    worker.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn large_bodies_go_both_ways_and_memory_is_given_back() {
    let bench = Bench::new();
    let worker = bench.launch("echo.py", ECHO).await;
    for megabytes in [1usize, 20, 3] {
        let body: Vec<u8> = (0..megabytes << 20).map(|index| (index % 251) as u8).collect();
        let end = worker.call(&call(body.clone())).await;
        assert!(reply(&end).body == body, "{megabytes} MiB");
    }
    worker.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_shell_function_gets_body_arguments_and_headers() {
    let bench = Bench::new();
    let source = "#!/bin/sh\necho \"warned\" >&2\necho \"$1 $2 $HTTP_X_NAME $NUCLIO_EVENT_METHOD $GREETING\"\ncat\n";
    let settings = |spec: &mut tidemill_core::spec::FunctionSpec| {
        spec.runtime_attributes.insert("arguments".into(), "a $(id)".into());
        spec.runtime_attributes.insert("responseHeaders".into(), serde_json::json!({"X-A": "b"}));
        spec.env.push(tidemill_core::spec::EnvVar { name: "GREETING".into(), value: "moin".into() });
    };
    let worker = bench.try_launch("say.sh", source, settings).await.unwrap();
    let mut request = call("body");
    Arc::make_mut(&mut request.events[0]).headers.push(("x-name".to_owned(), "value".to_owned()));
    let end = worker.call(&request).await;
    assert_eq!(reply(&end).body, "a $(id) value POST moin\nbody");
    assert_eq!(reply(&end).headers, [("X-A".to_owned(), "b".to_owned())]);
    assert_eq!(end.logs[0].message, "warned");
    worker.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_failing_shell_function_says_why() {
    let bench = Bench::new();
    let worker = bench.launch("fail.sh", "echo nope >&2; exit 3").await;
    let end = worker.call(&call("")).await;
    let expected = CallOutcome::Raised { message: "exit status 3: nope".to_owned(), status: 500 };
    assert_eq!(end.outcome, expected);
    let worker = bench.launch("long.sh", "sleep 600").await;
    let end = worker.call(&call_within("", Duration::from_millis(200))).await;
    assert_eq!(broken(&end), (AttemptOutcome::TimedOut, "ran longer than its event timeout of 200 ms"));
}
