//! Workers in their sandbox, through the driver's port: what functions see, what they may ask for, and when they are refused.
//! That the sandbox holds is tested where it is made.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Bench, call, reply};
use tidemill_core::spec::FunctionSpec;
use tidemill_sandbox::Launcher;
use tidemill_worker::{SandboxConfig, SandboxMode};

const LOOK: &str = "import json, os\n\
    def handler(context, event):\n\
    \x20   paths = json.loads(event.body)\n\
    \x20   return json.dumps([os.path.exists(path) for path in paths])\n";

/// Which of `paths` a function sees.
async fn seen(worker: &std::sync::Arc<dyn tidemill_core::ports::Worker>, paths: &[std::path::PathBuf]) -> Vec<bool> {
    let end = worker.call(&call(serde_json::to_vec(paths).unwrap())).await;
    serde_json::from_slice(&reply(&end).body).unwrap()
}

#[tokio::test]
async fn functions_see_their_own_package_and_nobody_elses() {
    let bench = Bench::new();
    let other = bench.unpack("other.py", "def main(): pass\n").await.directory;
    let own = bench.unpack("look.py", LOOK).await.directory;
    let data = bench.directory.path();
    let paths = [own, other, data.join("exchange"), data.join("shown"), std::env::current_exe().unwrap()];
    // The first starts cold, the second is a spare.
    for _ in 0..2 {
        let worker = bench.launch("look.py", LOOK).await;
        assert_eq!(seen(&worker, &paths).await, [true, false, false, true, false]);
    }
}

#[tokio::test]
async fn the_network_is_shared_with_those_who_ask() {
    let bench = Bench::new();
    let source = "def handler(context, event):\n    return open('/proc/net/dev').read()\n";
    let interfaces = |text: &str| text.lines().filter(|line| line.contains(':')).count();
    let worker = bench.launch("net.py", source).await;
    let end = worker.call(&call("")).await;
    assert_eq!(interfaces(std::str::from_utf8(&reply(&end).body).unwrap()), 1);
    let ask = |spec: &mut FunctionSpec| spec.sandbox.network = true;
    let worker = bench.try_launch("net.py", source, ask).await.unwrap();
    let end = worker.call(&call("")).await;
    let own = std::fs::read_to_string("/proc/net/dev").unwrap();
    assert_eq!(interfaces(std::str::from_utf8(&reply(&end).body).unwrap()), interfaces(&own));
}

#[tokio::test]
async fn without_a_sandbox_functions_see_what_the_server_sees() {
    let bench = Bench::with(SandboxConfig::off());
    let paths = [bench.directory.path().join("exchange")];
    let worker = bench.launch("look.py", LOOK).await;
    assert_eq!(seen(&worker, &paths).await, [true]);
    let worker = bench.launch("here.sh", "#!/bin/sh\necho $TIDEMILL_SEND_FILE\n").await;
    let end = worker.call(&call("")).await;
    assert!(reply(&end).body.starts_with(paths[0].to_str().unwrap().as_bytes()), "{end:?}");
}

#[tokio::test]
async fn a_strict_sandbox_runs_nothing_where_it_is_refused() {
    let bench = Bench::with(SandboxConfig::new(SandboxMode::Strict, Launcher::at("/bin/false")));
    for (name, source) in [("look.py", LOOK), ("here.sh", "#!/bin/sh\necho here\n")] {
        let error = bench.try_launch(name, source, |_| {}).await.map(|_| ()).unwrap_err();
        let line = error.line();
        assert!(line.contains("the sandbox is strict") && line.contains("user namespace: refused"), "{line}");
    }
}
