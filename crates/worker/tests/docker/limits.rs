//! What a container may not do.

use std::time::Duration;

use tidemill_core::{
    invocation::AttemptOutcome,
    ports::Call,
    spec::{FunctionSpec, Mount, Resources},
};

use crate::{
    bench::{Bench, LONG, actor, printed, script, until_logged},
    common::{broken, call, reply},
    engine::Engine,
};

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_limited() {
    let resources = Resources { memory_bytes: Some(32 << 20), cpu_millis: Some(500) };
    let bench = Bench::new();
    let end = bench.call(FunctionSpec { resources, ..script("exec tail /dev/zero") }, call("")).await;
    assert_eq!(broken(&end), (AttemptOutcome::OutOfMemory, "used more than its memory limit of 32 MiB"));
    assert_eq!(end.report.as_ref().unwrap().final_state["OOMKilled"], true);
    let end = bench.call(FunctionSpec { resources, ..actor("exec tail /dev/zero") }, call("")).await;
    assert_eq!(reply(&end).body, "");
    assert_eq!(end.report.unwrap().exit_code, Some(137));
    bench.until_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_are_limited() {
    let mut spec = script("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 30 & done; echo all");
    spec.container.as_mut().unwrap().pids_max = Some(6);
    let end = Bench::new().call(spec, call("")).await;
    assert!(printed(&end).iter().any(|line| line.contains("can't fork")), "{end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_has_few_rights() {
    let text = "grep -E '^(CapEff|NoNewPrivs)' /proc/self/status; ls /sys/class/net; ls /var/run/docker.sock";
    let end = Bench::new().call(actor(text), call("")).await;
    let lines = printed(&end);
    let effective = lines.iter().find_map(|line| line.strip_prefix("CapEff:\t")).unwrap();
    let effective = u64::from_str_radix(effective, 16).unwrap();
    // NET_RAW, SYS_ADMIN, MKNOD, AUDIT_WRITE, SETFCAP.
    for (number, name) in [(13, "NET_RAW"), (21, "SYS_ADMIN"), (27, "MKNOD"), (29, "AUDIT_WRITE"), (31, "SETFCAP")] {
        assert_eq!(effective & (1 << number), 0, "{name}");
    }
    assert!(lines.contains(&"NoNewPrivs:\t1"), "{lines:?}");
    assert!(lines.contains(&"lo") && !lines.iter().any(|line| line.starts_with("eth")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("No such file")), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mounts_are_those_that_are_allowed_and_read_only_is_read_only() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("in"), "given").unwrap();
    let folder = data.path().to_str().unwrap().to_owned();
    let mount = |target: &str, read_only| Mount { source: folder.clone(), target: target.to_owned(), read_only };
    let mut spec = script("cat /ro/in; echo; touch /ro/out || echo refused; echo taken > /rw/out");
    spec.container.as_mut().unwrap().mounts = vec![mount("/ro", true), mount("/rw", false)];
    let bench = Bench::with(Engine::shared(), |config| config.allow_mounts = vec![folder.clone().into()]);
    let end = bench.call(spec.clone(), call("")).await;
    let lines = printed(&end);
    assert!(lines.contains(&"given") && lines.contains(&"refused"), "{lines:?}");
    assert_eq!(std::fs::read_to_string(data.path().join("out")).unwrap(), "taken\n");
    let error = Bench::new().try_worker(spec).await.err().unwrap();
    assert!(error.reason.contains("is in no folder that the server's settings allow to mount"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn privileges_and_networks_are_refused_before_anything_runs() {
    let bench = Bench::new();
    let mut privileged = script("");
    privileged.container.as_mut().unwrap().privileged = true;
    let mut unknown = script("");
    unknown.container.as_mut().unwrap().networks = vec!["no-such-network".to_owned()];
    let mut host = script("");
    host.container.as_mut().unwrap().networks = vec!["host".to_owned()];
    for (spec, part) in [
        (privileged, "do not allow privileged containers"),
        (unknown, "the engine has no network \"no-such-network\"; it has "),
        (host, "for privileged containers only"),
    ] {
        let error = bench.try_worker(spec).await.err().unwrap();
        assert!(error.reason.contains(part), "{error}");
    }
    assert!(bench.containers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_limited_and_an_end_is_asked_for_first() {
    let text = "trap 'echo asked; exit 5' TERM; echo began; while true; do sleep 0.1; done";
    let bench = Bench::new();
    let limited = || Call { timeout: Some(Duration::from_millis(300)), ..call("") };
    let end = bench.call(script(text), limited()).await;
    assert_eq!(broken(&end), (AttemptOutcome::TimedOut, "ran longer than its event timeout of 300 ms"));
    assert_eq!(printed(&end), ["began", "asked"]);
    let end = bench.call(actor(text), limited()).await;
    assert_eq!(reply(&end).body, "began\nasked\n");
    assert_eq!(end.report.unwrap().exit_code, Some(5));
    bench.until_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_execution_ends() {
    let bench = Bench::new();
    let worker = bench.worker(script("echo began; sleep 1000")).await;
    let call = Call { timeout: Some(LONG), ..call("") };
    let (end, ()) = tokio::join!(worker.call(&call), async {
        until_logged(&*worker, call.invocation).await;
        worker.cancel(call.invocation).await;
    });
    assert_eq!(broken(&end), (AttemptOutcome::Cancelled, "it was cancelled"));
    assert_eq!(printed(&end), ["began"]);
    assert!(worker.is_alive());
    bench.until_nothing_is_left().await;
}
