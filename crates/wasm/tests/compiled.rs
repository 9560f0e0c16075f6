//! Compiled code on disk.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use common::{Bench, ECHO, call, command, text};
use tidemill_core::ports::Driver as _;
use tidemill_wasm::{WasmConfig, WasmDriver};

fn compiled(data: &Path) -> Vec<(PathBuf, SystemTime)> {
    let folders = fs::read_dir(data.join("wasm")).unwrap().flatten();
    let files = folders.flat_map(|folder| fs::read_dir(folder.path()).unwrap().flatten());
    let mut found: Vec<_> = files.map(|file| (file.path(), file.metadata().unwrap().modified().unwrap())).collect();
    found.sort();
    found
}

/// Another life of the same data folder.
fn again(bench: Bench) -> Bench {
    let mut config = WasmConfig::new(bench.directory.path());
    config.instances_max = 4;
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
    let first = compiled(bench.directory.path());
    assert_eq!(first.len(), 1);
    runs(&bench).await;
    let bench = again(bench);
    runs(&bench).await;
    assert_eq!(compiled(bench.directory.path()), first);
    bench.launch("(module (func (export \"_start\")))").await;
    assert_eq!(compiled(bench.directory.path()).len(), 2);
}

#[tokio::test]
async fn a_damaged_file_is_replaced() {
    let bench = Bench::new();
    runs(&bench).await;
    let (file, _) = compiled(bench.directory.path()).remove(0);
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
    let (file, _) = compiled(bench.directory.path()).remove(0);
    let name = file.file_name().unwrap().to_str().unwrap();
    let foreign = file.with_file_name(name.replacen(name.split('-').next().unwrap(), "0123456789abcdef", 1));
    fs::rename(&file, &foreign).unwrap();
    let bench = again(bench);
    runs(&bench).await;
    assert_eq!(compiled(bench.directory.path()).into_iter().map(|(file, _)| file).collect::<Vec<_>>(), [file]);
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
    assert_eq!(compiled(bench.directory.path()).len(), 1);
}

async fn futures_of<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut done = Vec::new();
    for future in futures.map(Box::pin).collect::<Vec<_>>() {
        done.push(future.await);
    }
    done
}
