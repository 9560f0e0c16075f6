//! Durable state and messages of functions, through the driver's port.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use bytes::Bytes;
use common::{Bench, broken, call, reply};
use tidemill_core::{invocation::AttemptOutcome, ports::Call};

/// A call of a function with state that begins with `state`.
fn call_with(state: &'static str, body: &str) -> Call {
    Call { state: Some(Bytes::from_static(state.as_bytes())), ..call(body) }
}

#[tokio::test]
async fn a_shell_function_has_state_and_sends_messages_by_files() {
    let bench = Bench::new();
    let source = concat!(
        "#!/bin/sh\n",
        "if [ -s \"$TIDEMILL_STATE_FILE\" ]; then n=$(cat \"$TIDEMILL_STATE_FILE\"); else n=0; fi\n",
        "echo $((n + 1)) > \"$TIDEMILL_STATE_FILE\"\n",
        "echo '{\"function\":\"next\",\"body\":\"tick\"}' >> \"$TIDEMILL_SEND_FILE\"\n",
        "printf '%s %s' \"$TIDEMILL_KEY\" \"$TIDEMILL_CALLER\"\n",
        "exit $(cat)\n",
    );
    let worker = bench.launch("count.sh", source).await;
    let mut first = call_with("", "0");
    first.key = Some("room-1".to_owned());
    first.events[0].caller = "ann".to_owned();
    let first = worker.call(&first).await;
    assert_eq!((&reply(&first).body[..], first.state.as_deref()), (&b"room-1 ann"[..], Some(&b"1"[..])));
    assert_eq!((first.sends.len(), first.sends[0].function.as_str()), (1, "next"));
    assert_eq!(worker.call(&call_with("41", "0")).await.state.unwrap(), "42");

    let failed = worker.call(&call_with("41", "3")).await;
    assert_eq!((failed.state, failed.sends.len()), (None, 0), "only a success counts");
    assert_eq!(failed.report.unwrap().exit_code, Some(3));
    assert_eq!(worker.place().driver, "process");
    assert!(worker.place().instance.parse::<u32>().is_ok());
    let left = std::fs::read_dir(bench.directory.path().join("exchange")).unwrap().count();
    assert_eq!(left, 0, "the files of ended executions are removed");
}

#[tokio::test]
async fn a_shell_function_whose_state_is_not_json_gave_a_bad_response() {
    let bench = Bench::new();
    let worker = bench.launch("bad.sh", "#!/bin/sh\necho '{n:1}' > \"$TIDEMILL_STATE_FILE\"\n").await;
    let end = worker.call(&call_with("{}", "")).await;
    let (outcome, reason) = broken(&end);
    assert_eq!(outcome, AttemptOutcome::BadResponse);
    assert!(reason.starts_with("TIDEMILL_STATE_FILE is not JSON"), "{reason}");
}
