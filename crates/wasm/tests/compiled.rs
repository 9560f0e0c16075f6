//! Compiled code on disk.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{fs, os::unix::fs::MetadataExt as _, path::PathBuf, time::Duration};

use common::{Bench, ECHO, call, command, text};
use tidemill_core::ports::Driver as _;
use tidemill_wasm::{WasmConfig, WasmDriver};

/// The files, by their inodes: what is written anew is another file.
fn compiled(bench: &Bench) -> Vec<(PathBuf, u64)> {
    let folders = fs::read_dir(bench.directory.path().join("wasm")).unwrap().flatten();
    let files = folders.flat_map(|folder| fs::read_dir(folder.path()).unwrap().flatten());
    let mut found: Vec<_> = files.map(|file| (file.path(), file.metadata().unwrap().ino())).collect();
    found.sort();
    found
}

/// Another life of the same data folder.
fn again(bench: Bench) -> Bench {
    again_with(bench, |_| {})
}

fn again_with(bench: Bench, settings: impl FnOnce(&mut WasmConfig)) -> Bench {
    let mut config = WasmConfig::new(bench.directory.path());
    config.instances_max = 4;
    settings(&mut config);
    Bench { driver: WasmDriver::new(config).unwrap(), ..bench }
}

async fn runs(bench: &Bench) {
    let worker = bench.launch(command(ECHO)).await;
    assert_eq!(text(&worker.call(&call("tide")).await), "tide");
}

#[tokio::test]
async fn the_same_content_is_compiled_once() {
    let bench = Bench::new();
    runs(&bench).await;
    let first = compiled(&bench);
    assert_eq!(first.len(), 1);
    runs(&bench).await;
    let bench = again(bench);
    runs(&bench).await;
    assert_eq!(compiled(&bench), first);
    bench.launch("(module (func (export \"_start\")))").await;
    assert_eq!(compiled(&bench).len(), 2);
}

#[tokio::test]
async fn a_damaged_file_is_replaced() {
    let bench = Bench::new();
    runs(&bench).await;
    let (file, _) = compiled(&bench).remove(0);
    let whole = fs::read(&file).unwrap();
    let mut bent = whole.clone();
    let middle = bent.len() / 2;
    bent[middle] ^= 0xff;
    let mut bench = bench;
    for damaged in [&bent[..], &whole[..100], b"", b"\x7fELF nonsense"] {
        // Another file with the same name: the old one is mapped still.
        fs::remove_file(&file).unwrap();
        fs::write(&file, damaged).unwrap();
        bench = again(bench);
        runs(&bench).await;
        assert_eq!(fs::read(&file).unwrap(), whole);
    }
}

#[tokio::test]
async fn what_another_version_compiled_is_replaced() {
    let bench = Bench::new();
    runs(&bench).await;
    let (file, _) = compiled(&bench).remove(0);
    let name = file.file_name().unwrap().to_str().unwrap();
    let foreign = file.with_file_name(name.replacen(name.split('-').next().unwrap(), "0123456789abcdef", 1));
    fs::rename(&file, &foreign).unwrap();
    let bench = again(bench);
    assert!(!foreign.exists(), "it is removed at the start");
    runs(&bench).await;
    assert_eq!(compiled(&bench).into_iter().map(|(file, _)| file).collect::<Vec<_>>(), [file]);
}

#[tokio::test]
async fn without_a_folder_it_runs_all_the_same() {
    let bench = Bench::with(|config| config.cache = PathBuf::from("/proc/nowhere"));
    runs(&bench).await;
}

#[tokio::test]
async fn many_workers_share_one_program() {
    let bench = Bench::new();
    let file = bench.package(command(ECHO));
    let launches = (0..8).map(|_| bench.driver.launch(bench.launch_of(&file, |_| {})));
    for worker in futures_of(launches).await {
        assert_eq!(text(&worker.unwrap().call(&call("x")).await), "x");
    }
    assert_eq!(compiled(&bench).len(), 1);
}

/// What the driver says of modules loaded and compiled.
async fn modules(bench: &Bench) -> String {
    let health = bench.driver.health().await.remove(0);
    health.detail.split_once("modules ").unwrap().1.to_owned()
}

#[tokio::test]
async fn code_that_is_not_in_use_goes_when_there_is_too_much() {
    let bench = Bench::with(|config| config.compiled_bytes_max = 1);
    let running = bench.launch(command(ECHO)).await;
    bench.launch("(module (func (export \"_start\")))").await;
    assert_eq!(compiled(&bench).len(), 2, "both are kept in memory");
    let first = compiled(&bench);
    bench.driver.forget(&"guest".parse().unwrap());
    bench.launch("(module (func (export \"_start\") nop nop))").await;
    let left = compiled(&bench);
    assert_eq!(left.len(), 2);
    assert_eq!(left.iter().filter(|file| first.contains(file)).count(), 1, "that of the worker, and the newest");
    assert_eq!(text(&running.call(&call("tide")).await), "tide");
    drop(running);
    // In the next life nobody uses any of it.
    assert!(compiled(&again_with(bench, |config| config.compiled_bytes_max = 1)).is_empty());
}

#[tokio::test]
async fn a_deleted_function_leaves_memory() {
    let bench = Bench::new();
    let worker = bench.launch(command(ECHO)).await;
    assert_eq!(modules(&bench).await, "loaded: 1, compiled: 1");
    bench.driver.forget(&"somebody-else".parse().unwrap());
    assert_eq!(modules(&bench).await, "loaded: 1, compiled: 1");
    bench.driver.forget(&"guest".parse().unwrap());
    assert_eq!(modules(&bench).await, "loaded: 0, compiled: 1");
    assert_eq!(text(&worker.call(&call("tide")).await), "tide");
    runs(&bench).await;
    assert_eq!(modules(&bench).await, "loaded: 1, compiled: 1", "it is on disk still");
}

#[tokio::test]
async fn a_launch_that_is_given_up_does_not_compile_twice() {
    let bench = Bench::with(|config| config.cache = PathBuf::from("/proc/nowhere"));
    let adds = "(i32.add (i32.const 1)".repeat(200) + " (i32.const 1)" + &")".repeat(200);
    let functions: String = (0..300).map(|_| format!("(func (drop {adds}))")).collect();
    let file = bench.package(format!("(module {functions} (func (export \"_start\")))"));
    for _ in 0..3 {
        let launch = bench.launch_of(&file, |spec| spec.readiness_timeout = Duration::from_millis(30));
        if let Err(error) = bench.driver.launch(launch).await {
            assert!(error.reason.ends_with("compiling goes on"), "{error}");
        }
    }
    let launches = (0..4).map(|_| bench.driver.launch(bench.launch_of(&file, |_| {})));
    for worker in futures_of(launches).await {
        assert_eq!(text(&worker.unwrap().call(&call("")).await), "");
    }
    assert_eq!(modules(&bench).await, "loaded: 1, compiled: 1");
}

async fn futures_of<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut done = Vec::new();
    for future in futures.map(Box::pin).collect::<Vec<_>>() {
        done.push(future.await);
    }
    done
}
