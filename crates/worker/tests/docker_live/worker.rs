//! The contract `worker`.

use std::time::Duration;

use bytes::Bytes;
use tidemill_core::{
    invocation::AttemptOutcome,
    ports::{Call, CallOutcome, Driver as _},
    spec::{Contract, Runtime, StateScope},
};

use super::stage::{IMAGE, Stage, broken, call, contained, docker, engine, logged, own_engine, socket, text, wait_for};

const PYTHON: &str = r#"
import os, sys, time
print("loading")
def handler(context, event):
    words = event.body.decode().split()
    word = words[0] if words else ""
    if word == "where":
        return f"{os.getcwd()} {os.environ['LEVEL']} {os.path.exists('/.dockerenv')} {os.environ['TIDEMILL_FUNCTION']}"
    if word == "exit":
        print("going")
        os._exit(int(words[1]))
    if word == "sleep":
        print("sleeping", flush=True)
        time.sleep(float(words[1]))
    if word == "eat":
        print("eating", flush=True)
        kept = []
        while True:
            kept.append(b"x" * (8 << 20))
    if word == "call":
        return context.platform.call_function("other", event).body
    print("got", len(event.body))
    return event.body
"#;

const NODE: &str = r#"
exports.handler = async (context, event) => {
  console.log('node got', event.body.length)
  return event.body
}
"#;

#[tokio::test]
async fn a_python_function_runs_in_a_container() {
    let stage = Stage::new();
    let worker = stage
        .try_launch("main.py", PYTHON, |spec| {
            spec.env.push(tidemill_core::spec::EnvVar { name: "LEVEL".into(), value: "spec".into() });
        })
        .await
        .unwrap_or_else(|error| panic!("{error}\n{:#?}", error.logs));
    assert_eq!(text(&worker.call(&call("where")).await), "/tidemill/package spec True docker-live");
    let end = worker.call(&call("hello")).await;
    assert_eq!((text(&end).as_str(), logged(&end)), ("hello", vec!["got 5"]));
    // Through shared memory, both ways.
    let large = vec![b'x'; 3 << 20];
    assert_eq!(text(&worker.call(&call(large.clone())).await).len(), large.len());
    assert_eq!(text(&worker.call(&call("call")).await), "other was called");
    let place = worker.place();
    assert_eq!((place.image.as_str(), stage.containers()), (IMAGE, vec![place.instance.clone()]));
    assert!(place.driver.starts_with("docker:unix:///"), "{place:?}");
    worker.stop(Duration::from_secs(10)).await;
    assert!(!worker.is_alive());
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_nodejs_function_runs_in_a_container() {
    let stage = Stage::new();
    let worker = stage.launch("main.js", NODE).await;
    assert!(worker.slots() > 1);
    let (first, second) = (call("one"), call("two"));
    let (first, second) = tokio::join!(worker.call(&first), worker.call(&second));
    assert_eq!((text(&first).as_str(), text(&second).as_str()), ("one", "two"));
    assert_eq!(logged(&second), ["node got 3"]);
    worker.stop(Duration::from_secs(10)).await;
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn state_and_messages_travel_with_the_call() {
    let source = "
def handler(context, event):
    context.state['count'] = context.state.get('count', 0) + 1
    context.send('audit', str(context.state['count']))
    return str(context.state['count'])
";
    let stage = Stage::new();
    let worker = stage.try_launch("main.py", source, |spec| spec.state = StateScope::Function).await.unwrap();
    let call = Call { state: Some(Bytes::from_static(b"{\"count\": 41}")), ..call("") };
    let end = worker.call(&call).await;
    assert_eq!(text(&end), "42");
    let state: serde_json::Value = serde_json::from_slice(&end.state.unwrap()).unwrap();
    assert_eq!(state["count"], 42);
    assert_eq!((end.sends[0].function.as_str(), end.sends[0].body.as_ref()), ("audit", b"42".as_slice()));
    worker.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_function_that_cannot_be_loaded_says_why() {
    let stage = Stage::new();
    let error =
        stage.try_launch("main.py", "print('before')\nimport nothing_of_that_name\n", |_| {}).await.err().unwrap();
    assert!(error.line().contains("No module named 'nothing_of_that_name'"), "{error}");
    assert!(error.logs.iter().any(|line| line.message == "before"), "{:?}", error.logs);
    let error = stage.try_launch("main.py", PYTHON, |spec| spec.runtime = Runtime::Python(Some("2.7".into()))).await;
    let error = error.err().unwrap();
    assert!(error.reason.contains("python2.7"), "{error}");
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn an_image_that_does_not_connect_is_told() {
    let stage = Stage::new();
    for (words, timeout, part) in [
        (
            &["sh", "-c", "echo no worker here; exit 3"][..],
            60,
            "exited with code 3 before it connected to Tidemill: no worker here",
        ),
        (&["sleep", "1000"], 2, "the container did not connect to Tidemill within 2 s"),
    ] {
        let mut spec = contained(Runtime::Image, IMAGE, Contract::Worker);
        spec.container.as_mut().unwrap().command = Some(words.iter().map(|word| (*word).to_owned()).collect());
        spec.readiness_timeout = Duration::from_secs(timeout);
        let error = stage.driver.launch(stage.launch_of("".into(), spec)).await.err().unwrap();
        assert!(error.reason.contains(part), "{error}");
    }
    let spec = contained(Runtime::Image, "tidemill-test/none:1", Contract::Worker);
    let error = stage.driver.launch(stage.launch_of("".into(), spec)).await.err().unwrap();
    assert!(error.reason.contains("does not have the image tidemill-test/none:1"), "{error}");
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_container_that_dies_fails_its_call_and_says_how() {
    let stage = Stage::new();
    for (body, outcome, part) in [
        ("exit 3", AttemptOutcome::Crashed, "the worker exited with code 3; its last line was: going"),
        ("eat", AttemptOutcome::OutOfMemory, "used more than its memory limit of 96 MiB"),
    ] {
        let limit = |spec: &mut tidemill_core::spec::FunctionSpec| spec.resources.memory_bytes = Some(96 << 20);
        let worker = stage.try_launch("main.py", PYTHON, limit).await.unwrap();
        let end = worker.call(&call(body)).await;
        let (found, reason) = broken(&end);
        assert!(found == outcome && reason.contains(part), "{body}: {found:?} {reason}");
        assert!(!worker.is_alive());
    }
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_container_that_is_killed_or_removed_from_outside_is_noticed() {
    let stage = Stage::new();
    for (words, part) in [(&["kill"][..], "was killed by SIGKILL"), (&["rm", "-f"], "the worker ")] {
        let worker = stage.launch("main.py", PYTHON).await;
        let instance = worker.place().instance;
        let open = call("sleep 100");
        let kill = async {
            wait_for("the call runs", || docker(&["top", &instance]).contains("tidemill_worker")).await;
            let mut arguments = words.to_vec();
            arguments.push(&instance);
            docker(&arguments);
        };
        let (end, ()) = tokio::join!(worker.call(&open), kill);
        let (outcome, reason) = broken(&end);
        assert!(outcome == AttemptOutcome::Crashed && reason.contains(part), "{words:?}: {outcome:?} {reason}");
        worker.gone().await;
    }
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_timeout_and_a_cancellation_end_the_container() {
    let stage = Stage::new();
    let worker = stage.launch("main.py", PYTHON).await;
    let end = worker.call(&Call { timeout: Some(Duration::from_millis(300)), ..call("sleep 100") }).await;
    assert_eq!(broken(&end), (AttemptOutcome::TimedOut, "ran longer than its event timeout of 300 ms"));
    assert_eq!(logged(&end), ["sleeping"]);
    stage.until_nothing_is_left().await;

    let worker = stage.launch("main.py", PYTHON).await;
    let open = call("sleep 100");
    let cancel = async {
        // It does nothing before the call is open.
        wait_for("it is cancelled", || {
            futures_util::FutureExt::now_or_never(worker.cancel(open.invocation));
            !worker.is_alive()
        })
        .await;
    };
    let (end, ()) = tokio::join!(worker.call(&open), cancel);
    assert_eq!(broken(&end).0, AttemptOutcome::Cancelled);
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_stop_lets_the_open_call_finish() {
    let stage = Stage::new();
    let worker = stage.launch("main.py", PYTHON).await;
    let open = call("sleep 1");
    let stop = async {
        tokio::task::yield_now().await;
        worker.stop(Duration::from_secs(30)).await;
    };
    let (end, ()) = tokio::join!(worker.call(&open), stop);
    assert_eq!(text(&end), "sleep 1");
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn the_end_of_the_driver_is_the_end_of_its_containers() {
    let stage = Stage::new();
    let worker = stage.launch("main.py", PYTHON).await;
    let open = call("sleep 100");
    let close = async {
        tokio::task::yield_now().await;
        stage.driver.close().await;
    };
    let (end, ()) = tokio::join!(worker.call(&open), close);
    assert_eq!(broken(&end), (AttemptOutcome::Interrupted, "the node stopped before the call had ended"));
    assert!(stage.containers().is_empty());
    assert!(!stage.memory_home().exists());
}

#[tokio::test]
async fn a_dropped_worker_and_a_dropped_launch_leave_nothing() {
    let stage = Stage::new();
    drop(stage.launch("main.py", PYTHON).await);
    stage.until_nothing_is_left().await;
    let directory = stage.package(&[("main.py", b"import time\ntime.sleep(1000)\n")]);
    let spec = contained(Runtime::Python(None), IMAGE, Contract::Worker);
    let launch = stage.driver.launch(stage.launch_of(directory, spec));
    let there = wait_for("a container is there", || !stage.containers().is_empty());
    tokio::select! {
        launched = launch => panic!("launched: {}", launched.is_ok()),
        () = there => {}
    }
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn what_an_earlier_process_left_is_removed() {
    let stage = Stage::new();
    let label = |name: &str, value: &str| format!("--label=tidemill.{name}={value}");
    let name = format!("tidemill-{}-0-0", stage.instance);
    let arguments = ["run", "-d", "--name", &name, &label("instance", &stage.instance), &label("contract", "worker")];
    docker(&[&arguments[..], &["--network", "none", IMAGE, "sleep", "1000"]].concat());
    let next = Stage::of(stage.instance.clone(), socket());
    next.until_nothing_is_left().await;
}

#[tokio::test]
async fn an_engine_that_goes_away_takes_its_containers_with_it_only_when_it_comes_back() {
    let (folder, socket) = own_engine();
    let stage = Stage::of("outage".to_owned(), &socket);
    let worker = stage.launch("main.py", PYTHON).await;
    engine("kill", &folder);
    assert_eq!(text(&worker.call(&call("still there")).await), "still there");
    let error = stage.try_launch("main.py", PYTHON, |_| {}).await.err().unwrap();
    assert!(error.reason.contains("cannot be reached") && error.reason.contains("hint: "), "{error}");
    let open = call("sleep 1000");
    let back = async {
        tokio::task::spawn_blocking(move || engine("start", &folder)).await.unwrap();
    };
    let (end, ()) = tokio::join!(worker.call(&open), back);
    let reason = "the container engine went away, and the container with it";
    assert_eq!(broken(&end), (AttemptOutcome::Interrupted, reason));
    let next = stage.launch("main.py", PYTHON).await;
    assert_eq!(text(&next.call(&call("again")).await), "again");
    next.stop(Duration::from_secs(5)).await;
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_program_speaks_the_protocol_itself() {
    // A worker in Python, as a binary: it proves the way, not the language.
    let source = r#"#!/usr/local/bin/python3
import json, os, socket, struct, time
channel = socket.socket(socket.AF_UNIX)
channel.connect(os.environ["TIDEMILL_WORKER_SOCKET"])
def frame(kind, stream, meta, body=b""):
    meta = json.dumps(meta).encode()
    channel.sendall(struct.pack("<IBBHII", 12 + len(meta) + len(body), kind, 0, 0, stream, len(meta)) + meta + body)
def read(count):
    data = b""
    while len(data) < count:
        more = channel.recv(count - len(data))
        if not more:
            os._exit(0)
        data += more
    return data
while True:
    length, kind, flags, _, stream, meta = struct.unpack("<IBBHII", read(16))
    rest = read(length - 12)
    if kind == 1:
        hello = json.loads(rest[:meta])
        frame(16, 0, {"protocol": 1, "runtime": "own", "version": "1", "slots": 1, "contract": "own"})
    elif kind == 2:
        if rest[meta:] == b"die":
            print("goodbye", flush=True)
            time.sleep(0.5)
            os._exit(9)
        print("hello from the program", flush=True)
        # A busy machine passes lines on late.
        time.sleep(0.5)
        frame(18, stream, {"content_type": "text/plain"}, hello["directory"].encode() + b" " + rest[meta:])
    elif kind == 4:
        os._exit(0)
"#;
    let stage = Stage::new();
    let directory = stage.package(&[("program", source.as_bytes())]);
    std::fs::set_permissions(directory.join("program"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut spec = contained(Runtime::Binary, IMAGE, Contract::Worker);
    spec.handler = "program".to_owned();
    let launch = stage.launch_of(directory, spec);
    let worker = stage.driver.launch(launch.clone()).await;
    let worker = worker.unwrap_or_else(|error| panic!("{error}\n{:#?}", error.logs));
    let end = worker.call(&call("x")).await;
    assert!(matches!(end.outcome, CallOutcome::Replied(_)), "{end:?}");
    assert_eq!((text(&end).as_str(), logged(&end)), ("/tidemill/package x", vec!["hello from the program"]));
    let end = worker.call(&call("die")).await;
    assert_eq!(broken(&end).1, "the worker exited with code 9; its last line was: goodbye");
    let worker = stage.driver.launch(launch).await.unwrap_or_else(|error| panic!("{error}\n{:#?}", error.logs));
    worker.stop(Duration::from_secs(5)).await;
    stage.until_nothing_is_left().await;
}
