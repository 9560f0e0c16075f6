//! Durable state and messages of functions, through the driver's port.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

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
    Arc::make_mut(&mut first.events[0]).caller = "ann".to_owned();
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

#[tokio::test]
async fn the_logs_of_an_open_call_can_be_seen() {
    let bench = Bench::new();
    let wait =
        "import sys, os, time\ndef main(p):\n    print('begun')\n    while not os.path.exists(p): time.sleep(0.01)\n";
    let shell = "#!/bin/sh\necho begun >&2\nfile=$(cat)\nwhile [ ! -e \"$file\" ]; do sleep 0.01; done\n";
    for (name, source) in [("wait.py", wait), ("wait.sh", shell)] {
        let worker = bench.launch(name, source).await;
        let gate = bench.shown().join(format!("{name}.gate"));
        let open = call(gate.to_str().unwrap());
        let watched = async {
            while worker.logs_so_far(open.invocation).await.is_none_or(|lines| lines.is_empty()) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            std::fs::write(&gate, "").unwrap();
            worker.logs_so_far(open.invocation).await.unwrap_or_default()
        };
        let limit = std::time::Duration::from_secs(60);
        let both = async { tokio::join!(worker.call(&open), watched) };
        let (end, lines) = tokio::time::timeout(limit, both).await.unwrap();
        assert_eq!((lines[0].message.as_str(), end.logs.len()), ("begun", 1), "{name}");
        assert!(worker.logs_so_far(open.invocation).await.is_none(), "it is over");
    }
}

#[tokio::test]
async fn every_runtime_says_where_it_lives() {
    let bench = Bench::new();
    let source = "def main(p): return open('/proc/self/cmdline').read()\n";
    let worker = bench.launch("place.py", source).await;
    let end = worker.call(&call("")).await;
    let place = worker.place();
    // Inside its sandbox it has another id, so it says of itself what can be compared.
    let command = std::fs::read(format!("/proc/{}/cmdline", place.instance)).unwrap();
    assert_eq!((place.driver.as_str(), &command[..]), ("process", &reply(&end).body[..]));
}

#[tokio::test]
async fn a_state_beyond_its_limit_costs_the_answer_and_not_the_worker() {
    let bench = Bench::new();
    let source = "def handler(context, event):\n    context.state = 'x' * int(event.body)\n    return 'stored'\n";
    let settings =
        |spec: &mut tidemill_core::spec::FunctionSpec| spec.state = tidemill_core::spec::StateScope::Function;
    let worker = bench.try_launch("large.py", source, settings).await.unwrap();
    let most = worker.call(&call_with("", "4194302")).await;
    assert_eq!(most.state.unwrap().len(), 4_194_304);
    let end = worker.call(&call_with("", "4194303")).await;
    let reason = "its state has 4194305 bytes, more than the 4194304 that are allowed";
    assert_eq!(broken(&end), (AttemptOutcome::BadResponse, reason));
    assert!(end.state.is_none() && worker.is_alive());
    let largest = format!("\"{}\"", "y".repeat(4_194_302));
    let again = Call { state: Some(Bytes::from(largest)), ..call("1") };
    assert_eq!(worker.call(&again).await.state.unwrap(), "\"x\"");
}
