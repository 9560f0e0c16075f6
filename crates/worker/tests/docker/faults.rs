//! Containers and engines that are killed in the middle of an execution.

use tidemill_core::{invocation::AttemptOutcome, ports::Driver};

use crate::{
    bench::{Bench, actor, printed, script},
    common::{broken, call, reply, wait_for},
    engine::Engine,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_killed_from_outside_has_crashed() {
    let bench = Bench::new();
    for is_actor in [false, true] {
        let text = "echo began; exec sleep 1000";
        let worker = bench.worker(if is_actor { actor(text) } else { script(text) }).await;
        let call = call("");
        let (end, ()) = tokio::join!(worker.call(&call), async {
            let id = bench.until_printed("began").await;
            bench.engine.docker(&["kill", &id]).unwrap();
        });
        if is_actor {
            assert_eq!(reply(&end).body, "began\n");
            assert_eq!(end.reason, "the container was ended by SIGKILL (exit code 137)");
        } else {
            assert_eq!(broken(&end), (AttemptOutcome::Crashed, "the container was ended by SIGKILL (exit code 137)"));
        }
        assert_eq!(end.report.unwrap().exit_code, Some(137));
        assert!(worker.is_alive());
        bench.until_nothing_is_left().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_removed_from_outside_has_crashed() {
    let bench = Bench::new();
    let worker = bench.worker(script("echo began; exec sleep 1000")).await;
    let call = call("");
    let (end, ()) = tokio::join!(worker.call(&call), async {
        let id = bench.until_printed("began").await;
        bench.engine.docker(&["rm", "--force", &id]).unwrap();
    });
    assert_eq!(broken(&end).0, AttemptOutcome::Crashed, "{end:?}");
    bench.until_nothing_is_left().await;
}

/// Does something to the engine while the calls of the test go on.
async fn beside(bench: &Bench, what: impl FnOnce(&Engine) + Send + 'static) {
    let engine = bench.engine.clone();
    tokio::task::spawn_blocking(move || what(&engine)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_crashes_interrupts_the_attempt_and_the_next_one_succeeds() {
    let engine = Engine::own(&[]);
    engine.make_image();
    let bench = Bench::on(engine);
    let spec = || script("trap 'exit 9' TERM; echo began; while [ \"$MSG\" = wait ]; do sleep 0.1; done; echo end");
    let worker = bench.worker(spec()).await;
    let waiting = call("wait");
    let (end, ()) = tokio::join!(worker.call(&waiting), async {
        bench.until_printed("began").await;
        beside(&bench, |engine| engine.kill()).await;
        let error = bench.try_worker(spec()).await.err().unwrap();
        assert!(error.reason.contains("cannot be reached"), "{error}");
        assert!(bench.driver.health().await[0].problem.is_some());
        beside(&bench, |engine| engine.start(&[])).await;
    });
    let (outcome, reason) = broken(&end);
    assert_eq!(outcome, AttemptOutcome::Interrupted, "{reason}");
    assert!(reason.contains("engine"), "{reason}");
    let end = bench.call(spec(), call("go")).await;
    assert_eq!(printed(&end), ["began", "end"]);
    bench.until_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_stopped_interrupts_the_attempt_and_the_next_one_succeeds() {
    let engine = Engine::own(&[]);
    engine.make_image();
    let bench = Bench::on(engine);
    let spec = || actor("echo began; while [ \"$MSG\" = wait ]; do sleep 0.1; done; echo end");
    let worker = bench.worker(spec()).await;
    let waiting = call("wait");
    let (end, ()) = tokio::join!(worker.call(&waiting), async {
        bench.until_printed("began").await;
        beside(&bench, |engine| engine.stop()).await;
    });
    assert_eq!(broken(&end).0, AttemptOutcome::Interrupted, "{end:?}");
    beside(&bench, |engine| engine.start(&[])).await;
    let end = bench.call(spec(), call("go")).await;
    assert_eq!(printed(&end), ["began", "end"]);
    bench.until_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_stopped_while_the_node_goes_on_leaves_no_container() {
    let bench = Bench::new();
    let worker = bench.worker(actor("trap '' TERM; echo began; sleep 1000")).await;
    let call = call("");
    let (end, ()) = tokio::join!(worker.call(&call), async {
        bench.until_printed("began").await;
        worker.stop(std::time::Duration::ZERO).await;
    });
    assert_eq!(broken(&end).0, AttemptOutcome::Interrupted, "{end:?}");
    bench.until_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_goes_on_over_an_engine_that_keeps_its_containers() {
    let engine = Engine::own(&["--live-restore"]);
    engine.make_image();
    let bench = Bench::on(engine);
    let gate = bench.directory.path().join("run");
    let worker =
        bench.worker(script("echo began; while [ ! -s $TIDEMILL_SEND_FILE ]; do sleep 0.1; done; echo end")).await;
    let call = call("");
    let (end, ()) = tokio::join!(worker.call(&call), async {
        bench.until_printed("began").await;
        beside(&bench, |engine| engine.kill()).await;
        beside(&bench, |engine| engine.start(&["--live-restore"])).await;
        wait_for("the engine has found its containers", || bench.containers().len() == 1).await;
        let folders = std::fs::read_dir(&gate).unwrap();
        let folder = folders.map(|entry| entry.unwrap().path().join("x")).find(|path| path.exists()).unwrap();
        std::fs::write(folder.join("send.jsonl"), "\n").unwrap();
    });
    assert_eq!(reply(&end).body, "began\nend\n");
    assert_eq!(end.report.unwrap().exit_code, Some(0));
    bench.until_nothing_is_left().await;
}
