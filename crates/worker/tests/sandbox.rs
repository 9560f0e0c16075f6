//! Workers in their sandbox, through the driver's port: what functions see, what they may ask for, and when they are refused.
//! That the sandbox holds is tested where it is made.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::io::Write as _;

use common::{Bench, call, reply};

use tidemill_core::{
    invocation::AttemptOutcome,
    ports::{CallOutcome, Driver as _},
    spec::{FunctionSpec, Runtime},
};
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

/// A package cannot make the server show what a file in it names, as virtual environments do.
#[tokio::test]
async fn a_package_does_not_say_what_is_shown() {
    let bench = Bench::new();
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("lib")).unwrap();
    std::fs::write(home.path().join("lib/secret"), "x").unwrap();
    let script = format!("#!/bin/sh\nls {}/lib 2>/dev/null || echo unseen\n", home.path().display());
    let config = format!("home = {}/bin\n", home.path().display());
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [("bin/python3", &*script), ("lib/none", ""), ("pyvenv.cfg", &*config)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    let unpacked = bench.unpack("lead.zip", zip.finish().unwrap().into_inner()).await;
    let mut spec = FunctionSpec::new(Runtime::Shell);
    spec.handler = "bin/python3".to_owned();
    let environment = bench.environment(&unpacked, &spec).await;
    let launch = bench.launch_of(&unpacked.directory, environment, spec);
    let worker = bench.driver.launch(launch).await.unwrap();
    assert_eq!(reply(&worker.call(&call("")).await).body, "unseen\n");
}

#[tokio::test]
async fn the_data_of_the_server_is_not_seen_within_what_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("secrets.key"), "x").unwrap();
    let mut config = SandboxConfig::new(SandboxMode::On, common::launcher());
    config.unseen = vec![data.clone()];
    let bench = Bench::showing(config, home.path());
    let worker = bench.launch("look.py", LOOK).await;
    let paths = [home.path().to_owned(), data.clone(), data.join("secrets.key")];
    assert_eq!(seen(&worker, &paths).await, [true, true, false]);
}

const FORKS: &str = "import os, time\n\
    def handler(context, event):\n\
    \x20   while True:\n\
    \x20       if os.fork() == 0:\n\
    \x20           time.sleep(600)\n";

#[tokio::test]
async fn forking_without_end_fails_its_own_call_only() {
    let config = SandboxConfig { processes_max: 24, ..SandboxConfig::new(SandboxMode::On, common::launcher()) };
    let bench = Bench::with(config);
    let (bomb, other) = (bench.launch("bomb.py", FORKS).await, bench.launch("look.py", LOOK).await);
    let end = bomb.call(&call("")).await;
    match &end.outcome {
        CallOutcome::Raised { message, .. } => {
            assert!(message.contains("Resource temporarily unavailable"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    // What it has left would fail its next call, too.
    assert!(!bomb.is_alive());
    assert_eq!(seen(&other, &["/usr".into()]).await, [true]);
    bomb.stop(std::time::Duration::from_secs(1)).await;
    assert_eq!(seen(&bench.launch("look.py", LOOK).await, &["/usr".into()]).await, [true]);
}

#[tokio::test]
async fn a_worker_is_kept_after_a_failed_call_unless_that_left_something_running() {
    let config = SandboxConfig { processes_max: 64, ..SandboxConfig::new(SandboxMode::On, common::launcher()) };
    let bench = Bench::with(config);
    let source = "import subprocess, threading, time\n\
        def handler(context, event):\n\
        \x20   what = event.body.decode()\n\
        \x20   if 'start' in what:\n\
        \x20       subprocess.Popen(['sleep', '600'])\n\
        \x20       begun = time.monotonic()\n\
        \x20       while time.monotonic() < begun + 0.1: pass\n\
        \x20   while 'threads' in what:\n\
        \x20       threading.Thread(target=threading.Event().wait, daemon=True).start()\n\
        \x20   if 'fail' in what:\n\
        \x20       raise ValueError(what)\n\
        \x20   return 'x'\n";
    for last in ["start fail", "threads"] {
        let worker = bench.launch("left.py", source).await;
        // The process of a call that went well is there on purpose.
        for what in ["start", "fail", "fail"] {
            let end = worker.call(&call(what)).await;
            assert_eq!(matches!(end.outcome, CallOutcome::Raised { .. }), what == "fail", "{end:?}");
            assert!(worker.is_alive(), "{what}");
        }
        let end = worker.call(&call(last)).await;
        assert!(matches!(end.outcome, CallOutcome::Raised { .. }), "{end:?}");
        assert!(!worker.is_alive(), "{last}");
    }
}

/// The part that needs too much is not the one that says how all ended.
#[tokio::test]
async fn a_part_that_is_killed_for_its_memory_fails_the_call() {
    let bench = Bench::with_memory_groups();
    let limit = |spec: &mut FunctionSpec| spec.resources.memory_bytes = Some(100 << 20);
    let eat = "x = []\nwhile True: x.append(bytearray(4 << 20))";
    let shell = format!("#!/bin/sh\npython3 -c '{eat}' | tail -1\n");
    let python = format!(
        "import subprocess, sys\ndef handler(context, event):\n    subprocess.run([sys.executable, '-c', {eat:?}])\n"
    );
    for (name, source) in [("pipe.sh", shell), ("part.py", python)] {
        for _ in 0..3 {
            let worker = bench.try_launch(name, &source, limit).await.unwrap();
            let end = worker.call(&call("")).await;
            match &end.outcome {
                CallOutcome::Broken { outcome, .. } => {
                    assert_eq!(*outcome, AttemptOutcome::OutOfMemory, "{name}: {end:?}")
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_limit_of_cpu_is_the_kernels() {
    let bench = Bench::new();
    let source = "def handler(context, event):\n    return 'x'\n";
    let limit = |spec: &mut FunctionSpec| spec.resources.cpu_millis = Some(500);
    let findings = bench.driver.sandbox().unwrap();
    let is_held = findings.iter().any(|it| it.mechanism.starts_with("cpu limits") && it.state.is_ok());
    // The first is told its limit before it starts, the second is a spare that runs already.
    for _ in 0..2 {
        let worker = bench.try_launch("slow.py", source, limit).await.unwrap();
        let instance = worker.place().instance;
        let groups = std::fs::read_to_string(format!("/proc/{instance}/cgroup")).unwrap();
        let quota = groups.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?);
            let file = match controllers {
                "" => format!("/sys/fs/cgroup{path}/cpu.max"),
                _ if controllers.split(',').any(|it| it == "cpu") => {
                    format!("/sys/fs/cgroup/{controllers}{path}/cpu.cfs_quota_us")
                }
                _ => return None,
            };
            std::fs::read_to_string(file).ok()
        });
        let quota = quota.unwrap_or_default();
        assert_eq!(quota.starts_with("50000"), is_held, "{groups}: {quota}");
    }
}

#[tokio::test]
async fn a_strict_sandbox_runs_nothing_where_it_is_refused() {
    let bench = Bench::with(SandboxConfig::new(SandboxMode::Strict, Launcher::at("/bin/false")));
    for (name, source) in [("look.py", LOOK), ("here.sh", "#!/bin/sh\necho here\n")] {
        let error = bench.try_launch(name, source, |_| {}).await.map(|_| ()).unwrap_err();
        let line = error.line();
        assert!(line.contains("the sandbox is strict") && line.contains("user namespace, mount namespace, "), "{line}");
    }
}
