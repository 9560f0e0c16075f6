//! Executions over an engine in memory: ends, faults, adoption.

use std::{os::unix::net::UnixDatagram, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use tidemill_core::{
    Event, InvocationId, RevisionNumber, Timestamp,
    invocation::{AttemptOutcome, LogLevel},
    ports::{Call, CallEnd, CallOutcome, Driver, Launch, Worker},
    spec::{Completion, FunctionSpec, Resources, StateScope},
};

use crate::container::{
    ContainerConfig, ContainerDriver,
    driver::Shared,
    engine::{
        ContainerEngine, ContainerId, ContainerSettings, EngineError, LogSource,
        fake::{FakeEngine, Fault, Program},
    },
    tests::{launch, spec},
};

struct Bench {
    engine: Arc<FakeEngine>,
    driver: ContainerDriver,
    directory: tempfile::TempDir,
}

fn config(directory: &tempfile::TempDir) -> ContainerConfig {
    ContainerConfig::new("test", directory.path().join("run"))
}

fn bench(program: Program) -> Bench {
    let engine = FakeEngine::new();
    engine.add_image("x", program);
    let directory = tempfile::tempdir().unwrap();
    let driver = ContainerDriver::changed(config(&directory), engine.clone(), brief).unwrap();
    Bench { engine, driver, directory }
}

/// Looks at the engine after each end by a signal, but not for long.
fn brief(shared: &mut Shared) {
    shared.look_time = Duration::from_millis(20);
}

impl Bench {
    async fn worker(&self, spec: FunctionSpec) -> Arc<dyn Worker> {
        self.driver.launch(launch(Arc::new(spec))).await.unwrap()
    }

    /// Another process of Tidemill, after the first has died.
    fn restart(self) -> Bench {
        let Bench { engine, driver, directory } = self;
        drop(driver);
        let driver = ContainerDriver::over(config(&directory), engine.clone()).unwrap();
        Bench { engine, driver, directory }
    }

    async fn until_running(&self) -> ContainerId {
        self.engine.until(|engine| engine.requests().contains(&"wait".to_owned())).await;
        self.engine.containers().remove(0)
    }

    async fn until_nothing_is_left(&self) {
        self.engine.until(|engine| engine.containers().is_empty()).await;
        let names =
            || std::fs::read_dir(self.directory.path().join("run")).unwrap().map(|entry| entry.unwrap().file_name());
        self.engine.until(|_| names().all(|name| name == "wrappers")).await;
    }
}

fn ends(exit_code: i64) -> Program {
    Program { exit_code: Some(exit_code), ..Program::default() }
}

fn call(body: &'static str) -> Call {
    let event = Event { body: Bytes::from_static(body.as_bytes()), ..Event::default() };
    Call::single(InvocationId::new(Timestamp(0), 9), 1, event)
}

fn actor(image: &str) -> FunctionSpec {
    FunctionSpec { completion: Completion::Run, ..spec(image) }
}

fn outcome(end: &CallEnd) -> (AttemptOutcome, &str) {
    match &end.outcome {
        CallOutcome::Replied(_) => (AttemptOutcome::Succeeded, ""),
        CallOutcome::Raised { message, .. } => (AttemptOutcome::Raised, message),
        CallOutcome::Broken { outcome, reason } => (*outcome, reason),
    }
}

fn body(end: &CallEnd) -> &[u8] {
    match &end.outcome {
        CallOutcome::Replied(replies) => &replies[0].body,
        other => panic!("no reply: {other:?}"),
    }
}

fn mounted<'a>(settings: &'a ContainerSettings, target: &str) -> &'a Path {
    let mount = settings.mounts.iter().find(|mount| mount.target == target);
    Path::new(&mount.expect("it is mounted").source)
}

#[tokio::test]
async fn an_execution_has_a_container_of_its_own_and_leaves_none() {
    let lines = vec![(LogSource::Out, "hello".to_owned()), (LogSource::Err, "oh".to_owned())];
    let bench = bench(Program { lines, ..ends(0) });
    let worker = bench.worker(spec("x")).await;
    let end = worker.call(&call("hi")).await;
    assert_eq!(outcome(&end).0, AttemptOutcome::Succeeded, "{end:?}");
    assert_eq!(body(&end), b"hello\noh\n");
    let logs: Vec<_> = end.logs.iter().map(|line| (line.level, line.message.as_str())).collect();
    assert_eq!(logs, [(LogLevel::Info, "hello"), (LogLevel::Warn, "oh")]);
    let report = end.report.unwrap();
    assert_eq!((report.exit_code, report.run_us), (Some(0), 5000));
    assert_eq!(report.final_state["ExitCode"], 0);
    let place = worker.place();
    assert_eq!((place.driver.as_str(), place.image.as_str(), place.instance.as_str()), ("docker:fake", "x", "c1"));
    assert!(worker.is_alive());
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_container_carries_labels_variables_and_files() {
    let bench = bench(Program::default());
    let worker = bench.worker(FunctionSpec { state: StateScope::Function, ..spec("x") }).await;
    let call = Call { state: Some(Bytes::from_static(b"{\"n\":1}")), ..call("hi") };
    let run = async { worker.call(&call).await };
    let look = async {
        let id = bench.until_running().await;
        let settings = bench.engine.settings(&id).unwrap();
        bench.engine.end(&id, 0);
        settings
    };
    let (end, settings) = tokio::join!(run, look);
    assert_eq!(outcome(&end).0, AttemptOutcome::Succeeded);
    for (label, value) in [
        ("tidemill.instance", "test"),
        ("tidemill.function", "p:f"),
        ("tidemill.revision", "1"),
        ("tidemill.worker", "w-1"),
        ("tidemill.invocation", &call.invocation.to_string()),
        ("tidemill.attempt", "1"),
        ("tidemill.contract", "run"),
        ("tidemill.image", "x"),
    ] {
        assert_eq!(settings.labels.get(label).map(String::as_str), Some(value), "{label}");
    }
    assert!(settings.name.starts_with("tidemill-test-"));
    assert_eq!(settings.image, "sha256:x");
    let variable = |name: &str| settings.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(variable("MSG"), Some("hi"));
    assert_eq!(variable("_abaco_actor_dbid"), Some("p_f"));
    assert_eq!(variable("_abaco_actor_state"), Some("{'n': 1}"));
    assert_eq!(variable("TIDEMILL_STATE_FILE"), Some("/_tidemill/state.json"));
    assert_eq!(variable("TIDEMILL_SEND_FILE"), Some("/_tidemill/send.jsonl"));
}

#[tokio::test]
async fn state_messages_and_results_come_with_the_end() {
    let at_start = |settings: &ContainerSettings| {
        let files = mounted(settings, "/_tidemill");
        std::fs::write(files.join("state.json"), "{\"n\":2}").unwrap();
        std::fs::write(files.join("send.jsonl"), "{\"function\":\"g\",\"body\":\"b\"}\n").unwrap();
        let socket = UnixDatagram::unbound().unwrap();
        for result in ["first", "second"] {
            socket.send_to(result.as_bytes(), mounted(settings, "/_abaco_results.sock")).unwrap();
        }
    };
    for (code, counts, spec) in
        [(0, true, spec("x")), (1, false, spec("x")), (0, true, actor("x")), (1, false, actor("x"))]
    {
        let bench = bench(Program { at_start: Some(Arc::new(at_start)), ..ends(code) });
        let worker = bench.worker(FunctionSpec { state: StateScope::Function, ..spec }).await;
        let end = worker.call(&Call { state: Some(Bytes::new()), ..call("") }).await;
        assert_eq!(end.results, ["first", "second"]);
        assert_eq!(end.state, counts.then(|| Bytes::from_static(b"{\"n\":2}")));
        assert_eq!(end.sends.len(), usize::from(counts));
        if counts {
            assert_eq!(body(&end), b"first");
        }
    }
}

#[tokio::test]
async fn a_state_that_is_no_json_is_a_bad_response() {
    let at_start = |settings: &ContainerSettings| {
        std::fs::write(mounted(settings, "/_tidemill").join("state.json"), "{").unwrap();
    };
    let bench = bench(Program { at_start: Some(Arc::new(at_start)), ..ends(0) });
    let worker = bench.worker(FunctionSpec { state: StateScope::Function, ..spec("x") }).await;
    let end = worker.call(&Call { state: Some(Bytes::new()), ..call("") }).await;
    let (outcome, reason) = outcome(&end);
    assert_eq!(outcome, AttemptOutcome::BadResponse);
    assert!(reason.contains("TIDEMILL_STATE_FILE is not JSON"), "{reason}");
    let last = end.logs.last().map(|line| (line.level, line.message.as_str()));
    assert_eq!(last, Some((LogLevel::Error, reason)));
    assert_eq!(end.report.as_ref().unwrap().exit_code, Some(0));
}

#[tokio::test]
async fn an_exit_code_counts_but_for_actors() {
    for (program, expected, words) in [
        (ends(3), AttemptOutcome::Raised, "the container exited with 3"),
        (ends(139), AttemptOutcome::Crashed, "SIGSEGV"),
        (Program { is_oom_killed: true, ..ends(137) }, AttemptOutcome::OutOfMemory, "memory limit of 64 MiB"),
    ] {
        let code = program.exit_code;
        let bench = bench(program);
        let limited = Resources { memory_bytes: Some(64 << 20), cpu_millis: None };
        let end = bench.worker(FunctionSpec { resources: limited, ..spec("x") }).await.call(&call("")).await;
        let (found, reason) = outcome(&end);
        assert_eq!(found, expected);
        assert!(reason.contains(words), "{reason}");
        assert_eq!(end.report.unwrap().exit_code, code);
        let end = bench.worker(FunctionSpec { resources: limited, ..actor("x") }).await.call(&call("")).await;
        assert_eq!(outcome(&end).0, AttemptOutcome::Succeeded);
        assert_eq!(end.report.unwrap().exit_code, code);
        // Its own exit code says enough.
        let said = if expected == AttemptOutcome::Raised { "" } else { words };
        assert!(end.reason.contains(said) && end.reason.is_empty() == said.is_empty(), "{}", end.reason);
    }
}

#[tokio::test]
async fn a_timeout_a_cancellation_and_a_kill_end_the_container() {
    for (is_actor, timed_out, cancelled, killed) in [
        (false, AttemptOutcome::TimedOut, AttemptOutcome::Cancelled, AttemptOutcome::Crashed),
        (true, AttemptOutcome::Succeeded, AttemptOutcome::Cancelled, AttemptOutcome::Succeeded),
    ] {
        let spec = || if is_actor { actor("x") } else { spec("x") };
        let bench = bench(Program { lines: vec![(LogSource::Out, "began".to_owned())], ..Program::default() });
        let worker = bench.worker(spec()).await;
        let end = worker.call(&Call { timeout: Some(Duration::from_millis(20)), ..call("") }).await;
        assert_eq!(outcome(&end).0, timed_out);
        assert_eq!(end.report.as_ref().unwrap().exit_code, Some(143));
        assert_eq!(end.logs[0].message, "began");
        bench.until_nothing_is_left().await;

        let call = call("");
        let (end, ()) = tokio::join!(worker.call(&call), async {
            bench.engine.until(|engine| !engine.containers().is_empty()).await;
            worker.cancel(call.invocation).await;
        });
        assert_eq!(outcome(&end).0, cancelled);
        bench.until_nothing_is_left().await;

        let (end, ()) = tokio::join!(worker.call(&call), async {
            bench.engine.until(|engine| !engine.containers().is_empty()).await;
            let id = bench.engine.containers().remove(0);
            let logs = || async { worker.logs_so_far(call.invocation).await.unwrap_or_default() };
            while logs().await.is_empty() {
                tokio::task::yield_now().await;
            }
            bench.engine.end(&id, 137);
        });
        assert_eq!(outcome(&end).0, killed);
        assert_eq!(end.report.unwrap().exit_code, Some(137));
        assert!(worker.is_alive());
        assert_eq!(worker.logs_so_far(call.invocation).await, None);
        bench.until_nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_container_that_somebody_removed_is_no_mystery() {
    for (spec, expected) in [(spec("x"), AttemptOutcome::Crashed), (actor("x"), AttemptOutcome::Succeeded)] {
        let bench = bench(Program::default());
        let worker = bench.worker(spec).await;
        let call = call("");
        let (end, ()) = tokio::join!(worker.call(&call), async {
            let id = bench.until_running().await;
            bench.engine.remove(&id).await.unwrap();
        });
        assert_eq!(outcome(&end).0, expected, "{end:?}");
        bench.until_nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_container_that_does_not_start_says_why() {
    let bench = bench(ends(0));
    let worker = bench.worker(spec("x")).await;
    let refusal = || EngineError::Refused("exec: \"nope\": executable file not found".to_owned());
    for what in ["create", "start"] {
        bench.engine.fail_next(what, refusal());
        let end = worker.call(&call("")).await;
        let (outcome, reason) = outcome(&end);
        assert_eq!(outcome, AttemptOutcome::LaunchFailed);
        assert!(reason.contains("executable file not found"), "{reason}");
        bench.until_nothing_is_left().await;
    }
    assert_eq!(outcome(&worker.call(&call("")).await).0, AttemptOutcome::Succeeded);
}

#[tokio::test]
async fn an_image_that_was_removed_meanwhile_is_pulled_again() {
    let bench = bench(ends(0));
    let worker = bench.worker(spec("x")).await;
    bench.engine.fail_next("create", EngineError::NoImage("sha256:x".to_owned()));
    bench.engine.fail_next("image", EngineError::NoImage("x".to_owned()));
    bench.engine.add_remote_image("x", ends(0));
    assert_eq!(outcome(&worker.call(&call("")).await).0, AttemptOutcome::Succeeded);
    assert!(bench.engine.requests().contains(&"pull".to_owned()));
}

#[tokio::test]
async fn an_engine_that_comes_back_is_waited_for() {
    for fault in [Fault::Down, Fault::Hung] {
        let bench = bench(Program { lines: vec![(LogSource::Out, "before".to_owned())], ..Program::default() });
        let worker = bench.worker(spec("x")).await;
        let call = call("");
        let (end, ()) = tokio::join!(worker.call(&call), async {
            let id = bench.until_running().await;
            bench.engine.set_fault(fault);
            let asked = bench.engine.requests().len();
            bench.engine.until(|engine| engine.requests().len() > asked).await;
            bench.engine.print(&id, LogSource::Out, "after");
            bench.engine.set_fault(Fault::None);
            bench.engine.end(&id, 0);
        });
        assert_eq!(outcome(&end).0, AttemptOutcome::Succeeded, "{fault:?}: {end:?}");
        assert_eq!(body(&end), b"before\nafter\n");
        assert!(worker.is_alive());
        bench.until_nothing_is_left().await;
    }
}

#[tokio::test]
async fn an_engine_that_ends_its_containers_interrupts_the_attempt() {
    let bench = bench(Program::default());
    let worker = bench.worker(actor("x")).await;
    let call = call("");
    let (end, ()) = tokio::join!(worker.call(&call), async {
        bench.until_running().await;
        bench.engine.set_fault(Fault::Down);
        let asked = bench.engine.requests().len();
        bench.engine.until(|engine| engine.requests().len() > asked).await;
        bench.engine.end_all(137);
        bench.engine.set_fault(Fault::None);
    });
    let (outcome, reason) = outcome(&end);
    assert_eq!(
        (outcome, reason),
        (AttemptOutcome::Interrupted, "the container engine restarted and ended the container")
    );
    bench.until_nothing_is_left().await;
}

/// Another driver with other limits.
fn with(bench: Bench, change: impl FnOnce(&mut Shared)) -> Bench {
    let Bench { engine, driver, directory } = bench;
    drop(driver);
    let driver = ContainerDriver::changed(config(&directory), engine.clone(), change).unwrap();
    Bench { engine, driver, directory }
}

/// A driver that gives an engine less time.
fn impatient(bench: Bench) -> Bench {
    with(bench, |shared| shared.away_max = Duration::from_millis(1))
}

#[tokio::test]
async fn an_engine_that_stays_away_interrupts_and_its_container_is_adopted_later() {
    let bench = impatient(bench(Program { lines: vec![(LogSource::Out, "once".to_owned())], ..Program::default() }));
    let worker = bench.worker(spec("x")).await;
    let call = call("");
    let (end, ()) = tokio::join!(worker.call(&call), async {
        bench.until_running().await;
        bench.engine.set_fault(Fault::Down);
    });
    let (found, reason) = outcome(&end);
    assert_eq!(found, AttemptOutcome::Interrupted);
    assert!(reason.contains("cannot be reached"), "{reason}");
    assert!(!worker.is_alive(), "the next worker looks at the engine first");
    bench.engine.set_fault(Fault::None);
    let next = bench.worker(spec("x")).await;
    let again = Call { attempt: 2, ..call.clone() };
    let (end, ()) = tokio::join!(next.call(&again), async {
        let id = bench.engine.containers().remove(0);
        bench.engine.end(&id, 0);
    });
    assert_eq!(body(&end), b"once\n");
    assert_eq!(bench.engine.requests().iter().filter(|request| *request == "create").count(), 1);
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn an_engine_away_at_the_beginning_is_waited_for_too() {
    let bench = bench(ends(0));
    let worker = bench.worker(spec("x")).await;
    for what in ["create", "start"] {
        bench.engine.fail_next(what, EngineError::TimedOut("a request"));
        assert_eq!(outcome(&worker.call(&call("")).await).0, AttemptOutcome::Succeeded);
    }
    bench.until_nothing_is_left().await;
    let bench = impatient(bench);
    let worker = bench.worker(spec("x")).await;
    bench.engine.set_fault(Fault::Down);
    let call = call("");
    let end = loop {
        let end = worker.call(&call).await;
        if outcome(&end).0 != AttemptOutcome::Succeeded {
            break end;
        }
    };
    assert_eq!(outcome(&end).0, AttemptOutcome::Interrupted);
    assert!(!worker.is_alive());
    bench.engine.set_fault(Fault::None);
    bench.until_nothing_is_left().await;
}

async fn begin(bench: &Bench, launch: Launch, call: &Call) {
    let worker = bench.driver.launch(launch).await.unwrap();
    let (end, ()) = tokio::join!(worker.call(call), async {
        bench.until_running().await;
        bench.driver.leave();
        worker.stop(Duration::ZERO).await;
    });
    assert_eq!(outcome(&end), (AttemptOutcome::Interrupted, "the worker was stopped before the call had ended"));
}

#[tokio::test]
async fn a_restart_goes_on_with_the_container() {
    for has_ended in [false, true] {
        let mut bench = bench(Program { lines: vec![(LogSource::Out, "once".to_owned())], ..Program::default() });
        let stateful = || Arc::new(FunctionSpec { state: StateScope::Function, ..spec("x") });
        let call = Call { state: Some(Bytes::from_static(b"1")), ..call("hi") };
        begin(&bench, launch(stateful()), &call).await;
        bench.driver.close().await;
        let id = bench.engine.containers().remove(0);
        let files = mounted(&bench.engine.settings(&id).unwrap(), "/_tidemill").to_owned();
        std::fs::write(files.join("state.json"), "2").unwrap();
        if has_ended {
            bench.engine.end(&id, 0);
        }
        bench = bench.restart();
        let worker = bench.driver.launch(launch(stateful())).await.unwrap();
        let again = Call { attempt: 2, ..call.clone() };
        let (end, ()) = tokio::join!(worker.call(&again), async {
            bench.engine.end(&id, 0);
        });
        assert_eq!(body(&end), b"once\n", "{has_ended}");
        assert_eq!(end.state, Some(Bytes::from_static(b"2")));
        assert_eq!(bench.engine.requests().iter().filter(|request| *request == "create").count(), 1);
        bench.until_nothing_is_left().await;
    }
}

#[tokio::test]
async fn results_of_before_a_restart_are_kept() {
    let at_start = |settings: &ContainerSettings| {
        let socket = UnixDatagram::unbound().unwrap();
        socket.send_to(b"r", mounted(settings, "/_abaco_results.sock")).unwrap();
    };
    let bench = bench(Program { at_start: Some(Arc::new(at_start)), ..Program::default() });
    let call = call("");
    let worker = bench.worker(spec("x")).await;
    let (_, ()) = tokio::join!(worker.call(&call), async {
        let id = bench.until_running().await;
        let settings = bench.engine.settings(&id).unwrap();
        let file = mounted(&settings, "/_tidemill").parent().unwrap().join("results");
        bench.engine.until(|_| file.exists()).await;
        bench.driver.leave();
        worker.stop(Duration::ZERO).await;
    });
    let bench = bench.restart();
    bench.engine.end_all(0);
    let end = bench.worker(spec("x")).await.call(&call).await;
    assert_eq!(end.results, ["r"]);
    assert_eq!(body(&end), b"r");
}

#[tokio::test]
async fn another_revision_does_not_adopt() {
    let bench = bench(Program::default());
    let call = call("");
    begin(&bench, launch(Arc::new(spec("x"))), &call).await;
    let first = bench.engine.containers().remove(0);
    bench.engine.add_image("y", ends(0));
    let next = Launch { revision: RevisionNumber(2), ..launch(Arc::new(spec("y"))) };
    let end = bench.driver.launch(next).await.unwrap().call(&call).await;
    assert_eq!(outcome(&end).0, AttemptOutcome::Succeeded);
    assert!(bench.engine.settings(&first).is_none(), "it must not run beside the new one");
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn an_end_that_is_not_durable_yet_can_be_told_again() {
    let bench = bench(ends(0));
    let worker = bench.worker(FunctionSpec { state: StateScope::Function, ..spec("x") }).await;
    let end = worker.call(&Call { state: Some(Bytes::from_static(b"1")), ..call("") }).await;
    assert_eq!(outcome(&end).0, AttemptOutcome::Succeeded);
    // A process that died now would find all of it again, as the test of a restart shows.
    let id = bench.engine.containers().remove(0);
    let files = mounted(&bench.engine.settings(&id).unwrap(), "/_tidemill").to_owned();
    assert!(files.join("state.json").exists() && super::Folder::is_adoptable(files.parent().unwrap()));
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn half_a_message_is_not_adopted() {
    let bench = bench(Program::default());
    let mut call = call("hello");
    Arc::make_mut(&mut call.events[0]).content_type = "application/octet-stream".to_owned();
    begin(&bench, launch(Arc::new(spec("x"))), &call).await;
    bench.until_nothing_is_left().await;
    bench.engine.add_image("x", ends(0));
    assert_eq!(outcome(&bench.worker(spec("x")).await.call(&call).await).0, AttemptOutcome::Succeeded);
}

#[tokio::test]
async fn a_failed_attempt_is_not_adopted_by_the_next() {
    let bench = bench(ends(1));
    let worker = bench.worker(spec("x")).await;
    // So that the container is still there.
    bench.engine.fail_next("remove", EngineError::Refused("busy".to_owned()));
    assert_eq!(outcome(&worker.call(&call("")).await).0, AttemptOutcome::Raised);
    let bench = bench.restart();
    bench.engine.add_image("x", ends(0));
    let end = bench.worker(spec("x")).await.call(&Call { attempt: 2, ..call("") }).await;
    assert_eq!(outcome(&end).0, AttemptOutcome::Succeeded);
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn what_an_earlier_process_left_is_removed_but_for_executions_and_others() {
    let engine = FakeEngine::new();
    engine.add_image("x", Program::default());
    let directory = tempfile::tempdir().unwrap();
    let runtime_dir = config(&directory).runtime_dir;
    std::fs::create_dir_all(runtime_dir.join("1f-1/x")).unwrap();
    std::fs::create_dir_all(runtime_dir.join("1f-2/x")).unwrap();
    let invocation = InvocationId::new(Timestamp(0), 1).to_string();
    let mut expected = Vec::new();
    for (number, instance, contract, is_kept) in [
        (1, "test", "run", true),
        (3, "test", "run", false),
        (4, "test", "worker", false),
        (5, "other", "worker", true),
    ] {
        let labels = [
            ("tidemill.instance", instance),
            ("tidemill.contract", contract),
            ("tidemill.function", "p:f"),
            ("tidemill.revision", "1"),
            ("tidemill.invocation", &invocation),
        ];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let name = format!("tidemill-{instance}-1f-{number}");
        let settings = ContainerSettings { image: "x".to_owned(), name, labels, ..ContainerSettings::default() };
        let id = engine.create(&settings).await.unwrap();
        engine.start(&id).await.unwrap();
        if is_kept {
            expected.push(id);
        }
    }
    let _driver = ContainerDriver::over(config(&directory), engine.clone()).unwrap();
    engine.until(|engine| engine.containers() == expected).await;
    engine.until(|_| !runtime_dir.join("1f-2").exists()).await;
    assert!(runtime_dir.join("1f-1").exists());
}

#[tokio::test]
async fn a_caller_that_leaves_leaves_no_container() {
    let bench = bench(Program::default());
    let worker = bench.worker(spec("x")).await;
    let call = call("");
    tokio::select! {
        _ = worker.call(&call) => panic!("it does not end"),
        _ = bench.until_running() => {}
    }
    assert!(!worker.is_alive());
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_container_whose_removal_fails_is_removed_later() {
    let bench = bench(ends(0));
    let worker = bench.worker(spec("x")).await;
    bench.engine.fail_next("remove", EngineError::Refused("busy".to_owned()));
    assert_eq!(outcome(&worker.call(&call("")).await).0, AttemptOutcome::Succeeded);
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn containers_are_left_when_somebody_wants_to_look() {
    let engine = FakeEngine::new();
    engine.add_image("x", ends(0));
    let directory = tempfile::tempdir().unwrap();
    let config = ContainerConfig { leave_containers: true, ..config(&directory) };
    let driver = ContainerDriver::over(config, engine.clone()).unwrap();
    let worker = driver.launch(launch(Arc::new(spec("x")))).await.unwrap();
    assert_eq!(outcome(&worker.call(&call("")).await).0, AttemptOutcome::Succeeded);
    driver.close().await;
    assert_eq!(engine.containers().len(), 1);
    assert!(!engine.requests().contains(&"remove".to_owned()));
}

#[tokio::test]
async fn a_batch_is_a_container_an_event() {
    let bench = bench(Program { lines: vec![(LogSource::Out, "x".to_owned())], ..ends(0) });
    let worker = bench.worker(spec("x")).await;
    let mut call = call("1");
    call.events.push(call.events[0].clone());
    call.is_batch = true;
    let end = worker.call(&call).await;
    match end.outcome {
        CallOutcome::Replied(replies) => assert_eq!(replies.len(), 2),
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.engine.requests().iter().filter(|request| *request == "create").count(), 2);
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn an_engine_that_stops_in_the_ordinary_way_interrupts() {
    for code in [137, 143] {
        let bench = with(bench(Program::default()), |shared| shared.look_time = Duration::from_secs(30));
        let worker = bench.worker(actor("x")).await;
        let call = call("");
        let (end, ()) = tokio::join!(worker.call(&call), async {
            bench.until_running().await;
            let asked = bench.engine.requests().len();
            bench.engine.end_all(code);
            // It answers still.
            let is_looked_at = |engine: &FakeEngine| engine.requests()[asked..].contains(&"version".to_owned());
            bench.engine.until(is_looked_at).await;
            bench.engine.set_fault(Fault::Down);
        });
        assert_eq!(outcome(&end).0, AttemptOutcome::Interrupted, "{code}: {end:?}");
        assert!(!worker.is_alive(), "the next worker looks at the engine first");
        bench.engine.set_fault(Fault::None);
        bench.until_nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_worker_that_is_stopped_while_the_node_goes_on_ends_its_container() {
    let bench = bench(Program { ignores_term: true, ..Program::default() });
    let worker = bench.worker(actor("x")).await;
    let call = call("");
    let (end, ()) = tokio::join!(worker.call(&call), async {
        bench.until_running().await;
        worker.stop(Duration::ZERO).await;
    });
    assert_eq!(outcome(&end), (AttemptOutcome::Interrupted, "the worker was stopped before the call had ended"));
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn what_an_earlier_node_left_of_a_deleted_function_is_removed() {
    let mut bench = bench(Program::default());
    begin(&bench, launch(Arc::new(spec("x"))), &call("")).await;
    bench.driver.close().await;
    bench = bench.restart();
    bench.engine.until(|engine| engine.requests().contains(&"list".to_owned())).await;
    bench.worker(spec("x")).await;
    assert_eq!(bench.engine.containers().len(), 1);
    bench.driver.forget(&"p:f".parse().unwrap());
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_container_that_cannot_be_ended_is_given_up_and_blocks_its_invocation() {
    let change = |shared: &mut Shared| {
        shared.end_max = Duration::ZERO;
        shared.away_max = Duration::from_millis(1);
    };
    let bench = with(bench(Program { never_ends: true, ..Program::default() }), change);
    let worker = bench.worker(spec("x")).await;
    let call = call("");
    let (end, ()) = tokio::join!(worker.call(&call), async {
        bench.until_running().await;
        worker.cancel(call.invocation).await;
    });
    let (found, reason) = outcome(&end);
    assert_eq!(found, AttemptOutcome::Cancelled);
    assert!(reason.contains("did not answer in time: to end the container"), "{reason}");
    for _ in 0..2 {
        let end = bench.worker(spec("x")).await.call(&call).await;
        let (found, reason) = outcome(&end);
        assert_eq!(found, AttemptOutcome::Interrupted);
        assert!(reason.contains("an earlier container of the execution could not be ended"), "{reason}");
    }
    let created = bench.engine.requests().iter().filter(|request| *request == "create").count();
    assert_eq!(created, 1, "it may run");
    let id = bench.engine.containers().remove(0);
    bench.engine.end(&id, 137);
    bench.engine.add_image("x", ends(0));
    assert_eq!(outcome(&bench.worker(spec("x")).await.call(&call).await).0, AttemptOutcome::Succeeded);
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn one_container_that_is_not_removed_keeps_no_other() {
    let bench = bench(ends(0));
    for name in ["1f-1", "1f-2"] {
        let labels = [("tidemill.instance".to_owned(), "test".to_owned())].into();
        let name = format!("tidemill-test-{name}");
        let settings = ContainerSettings { image: "x".to_owned(), name, labels, ..ContainerSettings::default() };
        bench.engine.create(&settings).await.unwrap();
    }
    bench.engine.fail_next("remove", EngineError::Refused("busy".to_owned()));
    bench.engine.until(|engine| engine.containers().len() < 2).await;
    bench.until_nothing_is_left().await;
}

#[tokio::test]
async fn only_containers_that_have_ended_are_left_to_look_at() {
    let engine = FakeEngine::new();
    engine.add_image("x", Program::default());
    let directory = tempfile::tempdir().unwrap();
    let config = ContainerConfig { leave_containers: true, ..config(&directory) };
    let driver = ContainerDriver::over(config, engine.clone()).unwrap();
    let bench = Bench { engine, driver, directory };
    let call = call("");
    begin(&bench, launch(Arc::new(spec("x"))), &call).await;
    let first = bench.engine.containers().remove(0);
    bench.engine.add_image("y", ends(0));
    let next = Launch { revision: RevisionNumber(2), ..launch(Arc::new(spec("y"))) };
    let end = bench.driver.launch(next).await.unwrap().call(&call).await;
    assert_eq!(outcome(&end).0, AttemptOutcome::Succeeded);
    assert!(bench.engine.settings(&first).is_none(), "it ran");
    assert_eq!(bench.engine.containers().len(), 1);
}
