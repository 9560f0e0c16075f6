//! Workers that crash, hang, eat memory, print without end, lie, or are killed: the call fails with a reason that a person
//! understands, nothing is left behind, and nothing else suffers.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{path::Path, sync::Arc, time::Duration};

use common::{Bench, broken, call, call_within, children, reply, wait_for};
use tidemill_core::{
    invocation::{AttemptOutcome, LogLevel},
    limits::{LOG_ATTEMPT_BYTES_MAX, LOG_ATTEMPT_LINES_MAX, LOG_MESSAGE_BYTES_MAX},
    ports::{CallOutcome, Driver, Environment, Worker},
    spec::{FunctionSpec, Runtime},
};

fn gone(worker: &Arc<dyn Worker>) -> bool {
    !worker.is_alive()
}

#[tokio::test]
async fn a_crash_names_the_signal_or_the_code_and_the_last_line() {
    let bench = Bench::new();
    let source = "import os, signal\ndef handler(context, event):\n    print('about to die')\n    os.kill(os.getpid(), signal.SIGSEGV)\n";
    let worker = bench.launch("crash.py", source).await;
    let end = worker.call(&call("")).await;
    let (outcome, reason) = broken(&end);
    assert_eq!(outcome, AttemptOutcome::Crashed);
    assert_eq!(reason, "the worker was killed by SIGSEGV; its last line was: about to die");
    assert!(gone(&worker));
    let worker = bench.launch("exit.py", "import os\ndef handler(context, event):\n    os._exit(3)\n").await;
    let end = worker.call(&call("")).await;
    assert_eq!(broken(&end), (AttemptOutcome::Crashed, "the worker exited with code 3"));
    let end = worker.call(&call("")).await;
    assert_eq!(broken(&end).0, AttemptOutcome::Interrupted, "a dead worker takes no call");
}

#[tokio::test]
async fn a_crash_interrupts_the_calls_handed_over_ahead() {
    let bench = Bench::new();
    let source = "import os\ndef handler(context, event):\n    if event.body == b'die':\n        os._exit(3)\n    return event.body\n";
    let worker = bench.launch("ahead.py", source).await;
    let (first, second) = (call("a"), call("b"));
    let (first, second) = tokio::join!(worker.call(&first), worker.call(&second));
    assert_eq!((reply(&first).body.as_ref(), reply(&second).body.as_ref()), (b"a".as_ref(), b"b".as_ref()));
    let (fatal, behind) = (call("die"), call("c"));
    let (fatal, behind) = tokio::join!(worker.call(&fatal), worker.call(&behind));
    assert_eq!(broken(&fatal), (AttemptOutcome::Crashed, "the worker exited with code 3"));
    assert_eq!(broken(&behind).0, AttemptOutcome::Interrupted);
}

#[tokio::test]
async fn a_call_that_runs_too_long_costs_the_worker_and_all_it_started() {
    let bench = Bench::new();
    let source = "import subprocess, time\ndef handler(context, event):\n    child = subprocess.Popen(['sleep', '600'])\n    time.sleep(600)\n";
    let worker = bench.launch("hang.py", source).await;
    let own = worker.place().instance;
    let children = || std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
    let request = call_within("", Duration::from_millis(1500));
    let (end, pid) = tokio::join!(worker.call(&request), async {
        wait_for("a child", || !children().is_empty()).await;
        children().trim().to_owned()
    });
    assert!(!pid.is_empty());
    assert_eq!(broken(&end), (AttemptOutcome::TimedOut, "ran longer than its event timeout of 1.5 s"));
    worker.gone().await;
    wait_for("the end of the child", || has_ended(&pid)).await;
}

/// Whether a process no longer runs: it is gone, or waits to be reaped by whoever inherited it.
fn has_ended(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
}

#[tokio::test]
async fn a_timeout_in_an_asynchronous_worker_interrupts_the_others() {
    let bench = Bench::new();
    let source = "import asyncio\nasync def handler(context, event):\n    await asyncio.sleep(600)\n";
    let worker = bench.launch("slow.py", source).await;
    assert!(worker.slots() > 1);
    let (late, other) = (call_within("", Duration::from_millis(500)), call(""));
    let (late, other) = tokio::join!(worker.call(&late), worker.call(&other));
    assert_eq!(broken(&late).0, AttemptOutcome::TimedOut);
    assert_eq!(broken(&other).0, AttemptOutcome::Interrupted);
}

async fn eat(file_name: &str, source: &str) {
    let bench = Bench::new();
    let limit = |spec: &mut FunctionSpec| spec.resources.memory_bytes = Some(128 << 20);
    let worker = bench.try_launch(file_name, source, limit).await.unwrap();
    let end = worker.call(&call("")).await;
    assert_eq!(
        broken(&end),
        (AttemptOutcome::OutOfMemory, "used more than its memory limit of 128 MiB"),
        "{file_name}"
    );
}

#[tokio::test]
async fn memory_is_limited_bit_by_bit_and_at_once() {
    eat(
        "bit.py",
        "def handler(context, event):\n    kept = []\n    while True:\n        kept.append(bytearray(1 << 20))\n",
    )
    .await;
    eat("once.py", "def handler(context, event):\n    return str(len(bytearray(8 << 30)))\n").await;
    let child = "import subprocess, sys\ndef handler(context, event):\n    subprocess.run([sys.executable, '-c', 'import time; x = bytearray(300 << 20); time.sleep(600)'])\n";
    eat("child.py", child).await;
    eat("many.js", "exports.handler = () => { const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1)) }").await;
    eat("many.sh", "#!/bin/sh\nx=aaaaaaaaaaaaaaaa\nwhile :; do x=$x$x; done\n").await;
}

#[tokio::test]
async fn a_function_that_sets_no_limit_of_memory_has_the_servers() {
    let bench = Bench::with_memory(128 << 20);
    let greedy =
        "def handler(context, event):\n    kept = []\n    while True:\n        kept.append(bytearray(1 << 20))\n";
    let reason = (AttemptOutcome::OutOfMemory, "used more than its memory limit of 128 MiB");
    // The first starts cold, the second is a spare.
    for _ in 0..2 {
        let worker = bench.launch("greedy.py", greedy).await;
        assert_eq!(broken(&worker.call(&call("")).await), reason);
    }
    let shell = "#!/bin/sh\nx=aaaaaaaaaaaaaaaa\nwhile :; do x=$x$x; done\n";
    assert_eq!(broken(&bench.launch("greedy.sh", shell).await.call(&call("")).await), reason);
    let more = |spec: &mut FunctionSpec| spec.resources.memory_bytes = Some(129 << 20);
    let error = bench.try_launch("greedy.py", greedy, more).await.err().unwrap();
    assert_eq!(
        error.reason,
        "resources.limits.memory asks for 129 MiB; a worker may have 128 MiB at most, as the server's setting workers.memory says"
    );
}

#[tokio::test]
async fn endless_output_is_bounded_and_does_not_hold_up_the_end() {
    let bench = Bench::new();
    let python = "import os\ndef handler(context, event):\n    while True:\n        os.write(1, b'y' * 70 + b'\\n')\n";
    let node = "exports.handler = () => { for (;;) console.log('y'.repeat(5000)) }";
    let shell = "#!/bin/sh\nyes yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy >&2\n";
    for (file, source) in [("flood.py", python), ("flood.js", node), ("flood.sh", shell)] {
        let worker = bench.launch(file, source).await;
        let end = worker.call(&call_within("", Duration::from_secs(2))).await;
        assert_eq!(broken(&end).0, AttemptOutcome::TimedOut, "{file}");
        let bytes: usize = end.logs.iter().map(|line| line.message.len()).sum();
        assert!(bytes <= LOG_ATTEMPT_BYTES_MAX + LOG_MESSAGE_BYTES_MAX, "{file}: {bytes}");
        assert!(end.logs.len() <= LOG_ATTEMPT_LINES_MAX + 2, "{file}: {} lines", end.logs.len());
        let said =
            end.logs.iter().filter(|line| line.message == "log limit reached, further lines are dropped").count();
        // A loop in Node.js that never pauses does not let its own output out beyond what the socket holds.
        assert!(said == 1 || file == "flood.js", "{file}: {said}");
    }
}

#[tokio::test]
async fn half_a_megabyte_in_one_line_is_cut() {
    let bench = Bench::new();
    let source = "import os\ndef handler(context, event):\n    print('x' * (512 << 10))\n    os.write(2, b'y' * (512 << 10) + b'\\n')\n    return 'ok'\n";
    let worker = bench.launch("long.py", source).await;
    let end = worker.call(&call("")).await;
    assert_eq!(reply(&end).body, "ok");
    assert!(end.logs.len() == 2, "{} lines", end.logs.len());
    for line in &end.logs {
        assert!(line.message.len() <= LOG_MESSAGE_BYTES_MAX + 64, "{}", line.message.len());
        let (_, said) = line.message.split_once("… [cut, ").unwrap();
        let cut: usize = said.strip_suffix(" bytes]").unwrap().parse().unwrap();
        let kept = line.message.bytes().take_while(|byte| matches!(byte, b'x' | b'y')).count();
        assert_eq!(kept + cut, 512 << 10);
    }
}

#[tokio::test]
async fn a_function_that_does_not_load_fails_its_launch_with_the_traceback() {
    let bench = Bench::new();
    let error = bench.try_launch("broken.py", "print('loading')\nimport no_such_module\n", |_| {}).await.err().unwrap();
    assert!(error.reason.starts_with("ModuleNotFoundError: No module named 'no_such_module'\n"), "{}", error.reason);
    assert!(error.reason.contains("broken.py"), "{}", error.reason);
    assert_eq!(error.logs[0].message, "loading");
    let error = bench.try_launch("leave.py", "import os\nos._exit(4)\n", |_| {}).await.err().unwrap();
    assert_eq!(error.reason, "the worker exited with code 4 before it was ready");
    let slow = |spec: &mut FunctionSpec| spec.readiness_timeout = Duration::from_millis(500);
    let error = bench.try_launch("slow.py", "import time\ntime.sleep(600)\n", slow).await.err().unwrap();
    assert_eq!(error.reason, "the worker was not ready within 500 ms");
    bench.driver.close().await;
}

/// A worker in Python that speaks the protocol itself, up to its `answer`.
const LIAR: &str = r#"#!/usr/bin/env python3
import os, socket, struct, sys, json
s = socket.socket(fileno=3)
def frame(kind, stream, meta, body=b'', flags=0):
    meta = meta if isinstance(meta, bytes) else json.dumps(meta).encode()
    return struct.pack('<IBBHII', 12 + len(meta) + len(body), kind, flags, 0, stream, len(meta)) + meta + body
def take():
    data = b''
    while len(data) < 4 or len(data) < 4 + struct.unpack('<I', data[:4])[0]:
        more = s.recv(65536)
        if not more:
            sys.exit(0)
        data += more
    return data
take()
s.sendall(frame(16, 0, {'protocol': 1, 'slots': 1}))
def answer(stream):
"#;

async fn lie(bench: &Bench, answer: &str) -> String {
    let source =
        format!("{LIAR}{answer}\nwhile True:\n    event = take()\n    answer(struct.unpack('<I', event[8:12])[0])\n");
    let worker = bench.launch("liar", &source).await;
    let end = worker.call(&call_within("", Duration::from_secs(20))).await;
    let (outcome, reason) = broken(&end);
    assert_eq!(outcome, AttemptOutcome::BadResponse, "{reason}");
    worker.gone().await;
    reason.to_owned()
}

#[tokio::test]
async fn a_worker_that_breaks_the_protocol_is_replaced() {
    let bench = Bench::new();
    for (answer, expected) in [
        ("    s.sendall(b'\\xff' * 64)", "a frame of 4294967295 bytes"),
        ("    s.sendall(struct.pack('<IBBHII', 12, 99, 0, 0, 0, 0))", "a frame of unknown kind 99"),
        (
            "    s.sendall(struct.pack('<IBBHII', 12, 18, 0, 0, stream, 400))",
            "a frame of 12 bytes with 400 bytes of meta",
        ),
        ("    s.sendall(frame(18, stream + 7, {}))", "a REPLY for stream 8, which is not open"),
        ("    s.sendall(frame(18, stream, b'{\\xff}'))", "a REPLY frame that cannot be read"),
        ("    s.sendall(frame(18, stream, b'[1, 2]x'))", "a REPLY frame that cannot be read"),
        ("    s.sendall(frame(18, stream, {'status': 'many'}))", "a REPLY frame that cannot be read"),
        (
            "    s.sendall(frame(18, stream, {}, struct.pack('<QQ', 0, 1 << 20), 1))",
            "the response is not in shared memory",
        ),
        (
            "    s.sendall(frame(18, stream, {}, struct.pack('<QQ', 1 << 63, 1 << 63), 1))",
            "a shared body beyond the end of memory",
        ),
        ("    s.sendall(frame(18, stream, {}, b'123', 1))", "a shared body described by 3 bytes instead of 16"),
        (
            "    s.sendall(frame(18, stream, {}, struct.pack('<QQ', 0, 1 << 40), 1))",
            "more than the 67108864 that are allowed",
        ),
        ("    s.sendall(frame(18, stream, {'status': 99}))", "the response has the status 99"),
        ("    s.sendall(frame(18, stream, {'headers': {'a\\r\\nb': 'c'}}))", "header \"a\\r\\nb\" is not valid"),
        ("    s.sendall(frame(18, stream, {'headers': {'a': 'c\\nd'}}))", "header \"a\" is not valid"),
        ("    s.sendall(frame(16, 0, {}))", "a second READY"),
        ("    s.sendall(frame(2, stream, {}))", "a frame of unknown kind 2"),
        (
            "    s.sendall(frame(22, stream + 1, {'call': 1, 'function': 'x'}))",
            "a CALL for stream 2, which is not open",
        ),
    ] {
        let reason = lie(&bench, answer).await;
        assert!(reason.contains(expected), "{answer}: {reason}");
    }
}

#[tokio::test]
async fn a_worker_killed_from_outside_is_noticed_idle_and_busy() {
    let bench = Bench::new();
    let source = "import time\ndef handler(context, event):\n    print('busy', flush=True)\n    time.sleep(600)\n";
    let kill = |pid: String| std::process::Command::new("kill").args(["-9", &pid]).status().unwrap();
    let worker = bench.launch("pid.py", source).await;
    assert!(kill(worker.place().instance).success());
    worker.gone().await;
    assert!(gone(&worker));

    let worker = bench.launch("pid.py", source).await;
    let event = call("x");
    let (end, ()) = tokio::join!(worker.call(&event), async {
        tokio::task::yield_now().await;
        assert!(kill(worker.place().instance).success());
    });
    let (outcome, reason) = broken(&end);
    assert_eq!(outcome, AttemptOutcome::Crashed);
    assert!(reason.starts_with("the worker was killed by SIGKILL"), "{reason}");
}

#[tokio::test]
async fn an_abandoned_call_ends_its_worker() {
    let bench = Bench::new();
    let worker = bench.launch("hang.py", "import time\ndef handler(context, event):\n    time.sleep(600)\n").await;
    let abandoned = tokio::time::timeout(Duration::from_millis(200), worker.call(&call(""))).await;
    assert!(abandoned.is_err());
    worker.gone().await;
    worker.stop(Duration::from_secs(600)).await;
}

/// Answers `wait` when a `go` has come, ignores that it is cancelled when asked to, and else answers at once.
const PATIENT: &str = "import asyncio
gone = asyncio.Event()
async def handler(context, event):
    body = event.body.decode()
    if body == 'deaf':
        while True:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                pass
    if body == 'go':
        gone.set()
    if body == 'wait':
        print('waiting')
        await gone.wait()
    return body
";

#[tokio::test]
async fn an_abandoned_call_of_an_asynchronous_worker_lets_the_others_end() {
    let bench = Bench::new();
    let worker = bench.launch("patient.py", PATIENT).await;
    let waiting = tokio::spawn({
        let worker = worker.clone();
        async move { worker.call(&call("deaf")).await }
    });
    let event = call("wait");
    let (end, ()) = tokio::join!(worker.call(&event), async {
        // Answered, so the two before have been begun.
        assert_eq!(reply(&worker.call(&call("x")).await).body, "x");
        let go = tokio::spawn({
            let worker = worker.clone();
            async move { worker.call(&call("go")).await }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert!(!worker.is_alive(), "it is unfit for more");
        assert_eq!(reply(&go.await.unwrap()).body, "go");
    });
    assert_eq!(reply(&end).body, "wait");
    worker.stop(Duration::from_secs(600)).await;
}

#[tokio::test]
async fn cancelling_a_call_of_an_asynchronous_worker_spares_the_others_and_the_worker_if_it_listens() {
    let bench = Bench::new();
    for (body, stays) in [("wait", true), ("deaf", false)] {
        let worker = bench.launch("patient.py", PATIENT).await;
        let request = call(body);
        let invocation = request.invocation;
        let (end, ()) = tokio::join!(worker.call(&request), async {
            assert_eq!(reply(&worker.call(&call("x")).await).body, "x");
            worker.cancel(invocation).await;
        });
        assert_eq!(broken(&end), (AttemptOutcome::Cancelled, "it was cancelled"), "{body}");
        if stays {
            assert_eq!(reply(&worker.call(&call("x")).await).body, "x");
            assert!(worker.is_alive());
        } else {
            worker.gone().await;
        }
    }
}

#[tokio::test]
async fn a_cancelled_call_ends_as_cancelled() {
    let bench = Bench::new();
    let worker = bench.launch("hang.py", "import time\ndef handler(context, event):\n    time.sleep(600)\n").await;
    let request = call("");
    let invocation = request.invocation;
    let (end, ()) = tokio::join!(worker.call(&request), async {
        tokio::task::yield_now().await;
        worker.cancel(invocation).await;
    });
    assert_eq!(broken(&end), (AttemptOutcome::Cancelled, "it was cancelled"));

    let worker = bench.launch("hang.sh", "sleep 600\n").await;
    let request = call("");
    let invocation = request.invocation;
    let (end, ()) = tokio::join!(worker.call(&request), async {
        tokio::task::yield_now().await;
        worker.cancel(invocation).await;
    });
    assert_eq!(broken(&end).0, AttemptOutcome::Cancelled);
    assert!(worker.is_alive(), "the next event gets a process of its own");
}

#[tokio::test]
async fn stopping_lets_open_calls_end_within_the_grace_only() {
    let bench = Bench::new();
    let source = "import time\ndef handler(context, event):\n    time.sleep(float(event.body))\n    return 'done'\n";
    for (name, source) in [("sleep.py", source), ("sleep.sh", "sleep $(cat)\nprintf done\n")] {
        let worker = bench.launch(name, source).await;
        let event = call("0.3");
        let (end, ()) = tokio::join!(worker.call(&event), async {
            tokio::task::yield_now().await;
            worker.stop(Duration::from_secs(60)).await;
        });
        assert_eq!(reply(&end).body, "done", "{name}");
        let worker = bench.launch(name, source).await;
        let event = call("600");
        let (end, ()) = tokio::join!(worker.call(&event), async {
            tokio::task::yield_now().await;
            worker.stop(Duration::from_millis(200)).await;
        });
        let expected = (AttemptOutcome::Interrupted, "the worker was stopped before the call had ended");
        assert_eq!(broken(&end), expected, "{name}");
    }
}

#[tokio::test]
async fn an_exception_leaves_the_worker_fit_and_its_traceback_in_the_log() {
    let bench = Bench::new();
    let source = "def handler(context, event):\n    raise ValueError('no such size')\n";
    let worker = bench.launch("raise.py", source).await;
    for _ in 0..2 {
        let end = worker.call(&call("")).await;
        let expected = CallOutcome::Raised { message: "ValueError: no such size".to_owned(), status: 500 };
        assert_eq!(end.outcome, expected);
        let last = end.logs.last().unwrap();
        assert_eq!(last.level, LogLevel::Error);
        assert!(last.message.contains("raise.py"), "{}", last.message);
    }
    assert!(worker.is_alive());
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_named() {
    let bench = Bench::new();
    let environment = Environment { program: "/no/such/program".into(), ..Environment::default() };
    let launch = bench.launch_of(Path::new("/"), environment, FunctionSpec::new(Runtime::Binary));
    let error = bench.driver.launch(launch).await.err().unwrap();
    assert!(error.reason.starts_with("/no/such/program could not be started"), "{}", error.reason);
}

#[tokio::test]
async fn fifty_launches_leave_no_process_and_no_descriptor_behind() {
    // In a process of its own: other tests start processes too.
    if std::env::var_os("TIDEMILL_TEST_ALONE").is_none() {
        let own = std::env::current_exe().unwrap();
        let name = "fifty_launches_leave_no_process_and_no_descriptor_behind";
        let output =
            std::process::Command::new(own).args(["--exact", name]).env("TIDEMILL_TEST_ALONE", "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let bench = Bench::new();
    let source = "def handler(context, event):\n    return 'ok'\n";
    bench.launch("ok.py", source).await.stop(Duration::from_secs(10)).await;
    // And the template of launchers.
    wait_for("the spare interpreter", || children().len() == 2).await;
    let before = descriptors();
    for round in 0..50 {
        let worker = bench.launch("ok.py", source).await;
        assert_eq!(reply(&worker.call(&call("")).await).body, "ok");
        if round % 2 == 0 {
            worker.stop(Duration::from_secs(10)).await;
        }
    }
    wait_for("one spare left", || children().len() == 2).await;
    // The first count may have met a spare that was just being started.
    wait_for("descriptors given back", || descriptors() <= before + 10).await;
    bench.driver.close().await;
    assert_eq!(children(), []);
}
