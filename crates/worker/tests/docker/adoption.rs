//! Executions that outlive the process that began them.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use tidemill_core::{
    invocation::AttemptOutcome,
    ports::{Call, Driver},
    spec::{FunctionSpec, StateScope},
};

use tidemill_worker::{ContainerConfig, ContainerDriver};

use crate::{
    bench::{Bench, launch, printed, script},
    common::{broken, call, reply},
    engine::Engine,
};

/// Ends when somebody writes to its send file.
const TEXT: &str =
    "echo once; while [ ! -s $TIDEMILL_SEND_FILE ]; do sleep 0.1; done; echo 2 > $TIDEMILL_STATE_FILE; echo end";

fn spec() -> FunctionSpec {
    FunctionSpec { state: StateScope::Function, ..script(TEXT) }
}

fn stateful_call() -> Call {
    Call { state: Some(Bytes::from_static(b"1")), ..call("hi") }
}

fn let_it_end(bench: &Bench) {
    let folders = std::fs::read_dir(bench.directory.path().join("run")).unwrap();
    let folder = folders.map(|entry| entry.unwrap().path().join("x")).find(|path| path.exists()).unwrap();
    std::fs::write(folder.join("send.jsonl"), "{\"function\":\"g\"}\n").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_outlives_a_stop_and_is_adopted() {
    let first = Bench::new();
    let worker = first.worker(spec()).await;
    let call = stateful_call();
    let (end, id) = tokio::join!(worker.call(&call), async {
        let id = first.until_printed("once").await;
        first.driver.leave();
        worker.stop(Duration::from_millis(100)).await;
        id
    });
    assert_eq!(broken(&end), (AttemptOutcome::Interrupted, "the worker was stopped before the call had ended"));
    first.driver.close().await;
    assert_eq!(first.containers(), [id.as_str()]);

    let second = first.again();
    let worker = second.worker(spec()).await;
    let again = Call { attempt: 2, ..call };
    let (end, ()) = tokio::join!(worker.call(&again), async { let_it_end(&second) });
    assert_eq!(reply(&end).body, "once\nend\n");
    assert_eq!(end.state, Some(Bytes::from_static(b"2")));
    assert_eq!(end.sends[0].function, "g");
    assert_eq!(worker.place().instance, id);
    second.until_nothing_is_left().await;
}

/// Where the process that is killed finds the data folder, the instance and the invocation.
const BEGIN: &str = "TIDEMILL_TEST_BEGIN";

/// Not a test by itself: what the process does that another test starts and kills.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_is_killed() {
    let Ok(begin) = std::env::var(BEGIN) else { return };
    let mut parts = begin.split(' ');
    let mut part = || parts.next().unwrap().to_owned();
    let (folder, instance, invocation) = (part(), part(), part());
    let config = ContainerConfig {
        address: Some(Engine::shared().address()),
        ..ContainerConfig::new(instance, Path::new(&folder).join("run"))
    };
    let driver = ContainerDriver::new(config).unwrap();
    let worker = driver.launch(launch(spec())).await.unwrap();
    let call = Call { invocation: invocation.parse().unwrap(), ..stateful_call() };
    worker.call(&call).await;
    panic!("it should have been killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_outlives_a_crash_and_is_adopted_though_it_may_have_ended() {
    for has_ended in [false, true] {
        let bench = Bench::new();
        let call = stateful_call();
        let begin = format!("{} {} {}", bench.directory.path().display(), bench.instance, call.invocation);
        // Its own survey is made first, so that it does not take what the other makes for something left.
        bench.worker(spec()).await;
        let mut process = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "adoption::the_process_that_is_killed"])
            .env(BEGIN, begin)
            .env("TIDEMILL_TEST_DOCKER", bench.engine.socket())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let id = bench.until_printed("once").await;
        process.kill().unwrap();
        process.wait().unwrap();
        if has_ended {
            let_it_end(&bench);
            bench.engine.docker(&["wait", &id]).unwrap();
        }
        let second = bench.again();
        let worker = second.worker(spec()).await;
        let again = Call { attempt: 2, ..call };
        let (end, ()) = tokio::join!(worker.call(&again), async {
            if !has_ended {
                let_it_end(&second);
            }
        });
        assert_eq!(printed(&end), ["once", "end"], "{end:?}");
        assert_eq!(end.state, Some(Bytes::from_static(b"2")));
        assert_eq!(worker.place().instance, id);
        second.until_nothing_is_left().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_execution_is_removed_at_the_next_start() {
    let first = Bench::new();
    // Or it would take what follows for something left.
    first.driver.close().await;
    let label = format!("tidemill.instance={}", first.instance);
    for (name, contract) in [("a", "worker"), ("b", "http")] {
        let (name, contract) = (format!("{}-{name}", first.instance), format!("tidemill.contract={contract}"));
        let image = crate::engine::IMAGE;
        let arguments = [
            "run",
            "-d",
            "--network",
            "none",
            "--label",
            &label,
            "--label",
            &contract,
            "--name",
            &name,
            image,
            "sleep",
            "1000",
        ];
        first.engine.docker(&arguments).unwrap();
    }
    assert_eq!(first.containers().len(), 2);
    let second = first.again();
    second.until_nothing_is_left().await;
    assert!(second.driver.launch(launch(script("true"))).await.is_ok());
}
