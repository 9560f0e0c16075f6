//! Every case of `conformance/` on every runtime it names, through the drivers. See the README there.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{collections::BTreeMap, path::PathBuf, process::Command, sync::Arc};

use common::{Bench, Lines};
use tidemill_core::{
    ports::{Builder, Driver, Environment, Host, Unpacked, Worker, WorkerId},
    spec::{FunctionSpec, Runtime},
};
use tidemill_testkit::{
    conformance::{self, Case},
    repository,
};

/// Programs that are not built by the builder.
type Programs = BTreeMap<&'static str, PathBuf>;

#[tokio::test]
async fn python() {
    run_all("python", &Programs::new()).await;
}

#[tokio::test]
async fn nodejs() {
    run_all("nodejs", &Programs::new()).await;
}

#[tokio::test]
async fn shell() {
    run_all("shell", &Programs::new()).await;
}

#[tokio::test]
async fn a_rust_program() {
    let example = repository().join("examples/binary-rust");
    let target = tempfile::tempdir().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--target-dir"]).arg(target.path()).current_dir(example);
    assert!(cargo.status().unwrap().success(), "the example cannot be built");
    run_all("binary", &Programs::from([("binary", target.path().join("debug/binary-rust"))])).await;
}

#[tokio::test]
async fn a_go_program() {
    let target = tempfile::tempdir().unwrap();
    let program = target.path().join("binary-go");
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&program).arg(".").current_dir(repository().join("examples/binary-go"));
    go.env("GOCACHE", target.path().join("cache")).env("GOFLAGS", "-modcacherw");
    match go.status() {
        Ok(status) => assert!(status.success(), "the example cannot be built"),
        Err(error) => {
            eprintln!("the Go half is left out: go cannot be run: {error}");
            return;
        }
    }
    run_all("binary", &Programs::from([("binary", program)])).await;
}

async fn run_all(runtime: &str, programs: &Programs) {
    let bench = Bench::new();
    conformance::run_all(&Case::all(&[runtime]), async |case, host| {
        launch(&bench, case, runtime, programs, host).await
    })
    .await;
    bench.driver.close().await;
}

async fn launch(
    bench: &Bench,
    case: &Case,
    runtime: &str,
    programs: &Programs,
    host: Arc<dyn Host>,
) -> Result<Arc<dyn Worker>, String> {
    let mut spec = FunctionSpec::new(runtime.parse::<Runtime>().unwrap());
    case.describe(&mut spec);
    let environment = match (programs.get(runtime), runtime) {
        (Some(program), _) => Environment { program: program.clone(), ..Environment::default() },
        (None, "shell") => Environment { program: case.folder.join("function.sh"), ..Environment::default() },
        (None, _) => {
            let digest = "0".repeat(64).parse().unwrap();
            let directory = case.folder.clone();
            let unpacked =
                Unpacked { digest, directory, stem: "function".to_owned(), files: Vec::new(), manifest: None };
            bench
                .builder
                .environment(&bench.project, &unpacked, &spec, &Lines::default())
                .await
                .map_err(|error| error.to_string())?
        }
    };
    let mut launch = bench.launch_of(&case.folder, environment, spec);
    launch.host = host;
    launch.worker = WorkerId("w-1".into());
    bench.driver.launch(launch).await.map_err(|error| error.reason)
}
