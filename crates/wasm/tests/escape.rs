//! Guests that try to reach what they were not granted.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;

use common::{Bench, call, reply, text};
use serde_json::json;

/// Opens `path` below the first preopened folder (descriptor 3) and prints its content, or exits with 10 plus the error of
/// the system: `open` for an existing file, `create` for a new one.
fn opener(path: &str, creates: bool) -> String {
    let (flags, rights) = if creates { (9, 64) } else { (0, 2) };
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "{path}")
  (data (i32.const 60) "..")
  (func $say (param $code i32)
    (i32.store8 (i32.const 60) (i32.add (i32.const 48) (i32.div_u (local.get $code) (i32.const 10))))
    (i32.store8 (i32.const 61) (i32.add (i32.const 48) (i32.rem_u (local.get $code) (i32.const 10))))
    (call $print (i32.const 60) (i32.const 2)))
  (func $print (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "_start") (local $error i32)
    (local.set $error (call $path_open (i32.const 3) (i32.const 1) (i32.const 100) (i32.const {length}) (i32.const {flags})
      (i64.const {rights}) (i64.const 0) (i32.const 0) (i32.const 16)))
    (if (local.get $error) (then (call $say (local.get $error)) (return)))
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 100))
    (local.set $error (call $fd_read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))
    (if (local.get $error) (then (call $say (local.get $error)) (return)))
    (call $print (i32.const 1024) (i32.load (i32.const 8)))))"#,
        length = path.len()
    )
}

/// The errors of WASI that say no.
const BAD_DESCRIPTOR: &str = "08";
const ABSENT: &str = "44";
const NOT_PERMITTED: &str = "63";
const READ_ONLY: &str = "69";

#[tokio::test]
async fn there_are_no_files_without_a_grant() {
    let bench = Bench::new();
    for path in ["/etc/passwd", "guest.wat", "../../etc/passwd", "/proc/self/environ", "."] {
        let worker = bench.launch(opener(path, false)).await;
        assert_eq!(text(&worker.call(&call("")).await), BAD_DESCRIPTOR, "{path}");
    }
}

#[tokio::test]
async fn a_grant_is_a_folder_and_nothing_beside_it() {
    let bench = Bench::new();
    let secret = bench.directory.path().join("secret.txt");
    fs::write(&secret, "secret").unwrap();
    for (path, creates, expected) in [
        ("tide.txt", false, "high tide"),
        ("below/tide.txt", false, "low tide"),
        ("absent.txt", false, ABSENT),
        ("../guest.wat", false, NOT_PERMITTED),
        ("below/../../guest.wat", false, NOT_PERMITTED),
        ("/etc/passwd", false, NOT_PERMITTED),
        ("out", false, NOT_PERMITTED),
        ("out-relative", false, NOT_PERMITTED),
        ("etc/passwd", false, NOT_PERMITTED),
        ("new.txt", true, READ_ONLY),
    ] {
        let file = bench.package(opener(path, creates));
        let package = file.parent().unwrap();
        fs::create_dir_all(package.join("data/below")).unwrap();
        fs::write(package.join("data/tide.txt"), "high tide").unwrap();
        fs::write(package.join("data/below/tide.txt"), "low tide").unwrap();
        std::os::unix::fs::symlink(&secret, package.join("data/out")).unwrap();
        std::os::unix::fs::symlink("../guest.wat", package.join("data/out-relative")).unwrap();
        std::os::unix::fs::symlink("/etc", package.join("data/etc")).unwrap();
        let launch = bench.launch_of(&file, |spec| {
            let mounts = json!({"mounts": [{"source": "data", "target": "/data"}]});
            spec.runtime_attributes.insert("wasm".to_owned(), mounts);
        });
        let worker = tidemill_core::ports::Driver::launch(&bench.driver, launch).await.unwrap();
        let said = text(&worker.call(&call("")).await);
        let is_right = said == expected || (expected == READ_ONLY && said == NOT_PERMITTED);
        assert!(is_right, "{path}: {said} instead of {expected}");
        assert!(!package.join("data/new.txt").exists());
    }
}

#[tokio::test]
async fn a_folder_of_the_host_needs_the_server_s_permission() {
    let host = tempfile::tempdir().unwrap();
    fs::write(host.path().join("tide.txt"), "of the host").unwrap();
    let mounts = json!({"mounts": [{"source": host.path(), "target": "/host", "readOnly": false}]});
    let strict = Bench::new();
    let error = strict
        .try_launch(opener("tide.txt", false), |spec| {
            spec.runtime_attributes.insert("wasm".to_owned(), mounts.clone());
        })
        .await
        .err()
        .unwrap();
    assert!(error.reason.contains("this server does not permit"), "{error}");
    let open = Bench::with(|config| config.mounts = vec![host.path().to_owned()]);
    for (path, creates, expected) in [("tide.txt", false, "of the host"), ("new.txt", true, "")] {
        let worker = open
            .launch_with(opener(path, creates), |spec| {
                spec.runtime_attributes.insert("wasm".to_owned(), mounts.clone());
            })
            .await;
        let said = text(&worker.call(&call("")).await);
        assert!(said == expected || creates, "{path}: {said}");
    }
    assert!(host.path().join("new.txt").exists());
}

#[tokio::test]
async fn there_are_no_sockets_and_no_processes() {
    let bench = Bench::new();
    // What a core module could ask the system for: nothing accepts, since nothing listens.
    let accepts = r#"(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $fd i32)
    (loop $again
      (if (i32.eqz (call $accept (local.get $fd) (i32.const 0) (i32.const 8))) (then unreachable))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $fd) (i32.const 64))))))"#;
    assert_eq!(reply(&bench.launch(accepts).await.call(&call("")).await).status, 200);
    // Signals are refused, and functions of other systems are none.
    for (import, signature) in
        [("sock_open", "(param i32 i32 i32) (result i32)"), ("proc_fork", "(result i32)"), ("exec", "(param i32 i32)")]
    {
        let module = format!(
            r#"(module (import "wasi_snapshot_preview1" "{import}" (func {signature})) (func (export "_start")))"#
        );
        let error = bench.try_launch(module, |_| {}).await.err().unwrap();
        assert!(error.reason.contains("unknown import"), "{error}");
    }
}

#[tokio::test]
async fn one_guest_does_not_see_what_another_left() {
    let bench = Bench::with(|config| config.instances_max = 1);
    let writes = r#"(module
  (memory (export "memory") 16)
  (table $table 10 funcref)
  (elem declare func $f)
  (func $f)
  (func (export "_start")
    (memory.fill (i32.const 0) (i32.const 0x5a) (i32.const 1048576))
    (table.fill $table (i32.const 0) (ref.func $f) (i32.const 10))))"#;
    let looks = r#"(module
  (memory (export "memory") 16)
  (table $table 10 funcref)
  (func (export "_start") (local $at i32)
    (loop $again
      (if (i32.load (local.get $at)) (then unreachable))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $again (i32.lt_u (local.get $at) (i32.const 1048576))))
    (if (i32.eqz (ref.is_null (table.get $table (i32.const 5)))) (then unreachable))))"#;
    let (writes, looks) = (bench.launch(writes).await, bench.launch(looks).await);
    for _ in 0..5 {
        assert_eq!(reply(&writes.call(&call("")).await).status, 200);
        assert_eq!(reply(&looks.call(&call("")).await).status, 200);
    }
}

#[tokio::test]
async fn nobody_but_the_server_has_its_compiled_code() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = tempfile::tempdir().unwrap();
    for mount in [data.path().to_owned(), data.path().join("wasm"), std::path::PathBuf::from("/")] {
        let mut config = tidemill_wasm::WasmConfig::new(data.path());
        config.mounts = vec![mount];
        let error = tidemill_wasm::WasmDriver::new(config).err().unwrap();
        assert!(error.to_string().contains("wasm.mounts"), "{error}");
    }
    let bench = Bench::with(|config| {
        fs::create_dir(&config.cache).unwrap();
        fs::set_permissions(&config.cache, fs::Permissions::from_mode(0o755)).unwrap();
    });
    bench.launch(opener("/", false)).await;
    let cache = bench.directory.path().join("wasm");
    assert_eq!(fs::metadata(cache).unwrap().permissions().mode() & 0o777, 0o700);
}
