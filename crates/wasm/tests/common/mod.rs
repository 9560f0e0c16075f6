//! What the tests share: a driver on a folder of its own, launches, calls, and components made of text.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part of it")]

pub mod guests;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tidemill_core::{
    RevisionNumber,
    ports::{Driver, Environment, Launch, LaunchError, Worker, WorkerId},
    spec::{FunctionSpec, Runtime},
};
pub use tidemill_testkit::{calls::*, host::Answers, repository, wait_for};
use tidemill_wasm::{WasmConfig, WasmDriver};

/// A driver on a data folder of its own.
pub struct Bench {
    pub directory: tempfile::TempDir,
    pub driver: WasmDriver,
    pub host: Arc<Answers>,
    pub numbers: AtomicU64,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(|_| {})
    }

    pub fn with(settings: impl FnOnce(&mut WasmConfig)) -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let mut config = WasmConfig::new(directory.path());
        config.instances_max = 16;
        settings(&mut config);
        let driver = WasmDriver::new(config).unwrap();
        Bench { driver, host: Arc::default(), directory, numbers: AtomicU64::new(1) }
    }

    /// A launch of the module in `file`.
    pub fn launch_of(&self, file: &Path, settings: impl FnOnce(&mut FunctionSpec)) -> Launch {
        let mut spec = FunctionSpec::new(Runtime::Wasm);
        // An unoptimised compiler on a busy machine takes its time.
        spec.readiness_timeout = Duration::from_secs(900);
        settings(&mut spec);
        Launch {
            worker: WorkerId(format!("w-{}", self.numbers.fetch_add(1, Ordering::Relaxed)).into()),
            function: "guest".parse().unwrap(),
            revision: RevisionNumber(1),
            spec: Arc::new(spec),
            directory: file.parent().unwrap().to_owned(),
            environment: Environment { program: file.to_owned(), ..Environment::default() },
            host: self.host.clone(),
        }
    }

    /// Writes a package of one module.
    pub fn package(&self, module: impl AsRef<[u8]>) -> PathBuf {
        let folder = self.directory.path().join(format!("package-{}", self.numbers.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("guest.wat");
        std::fs::write(&file, module).unwrap();
        file
    }

    pub async fn try_launch(
        &self,
        module: impl AsRef<[u8]>,
        settings: impl FnOnce(&mut FunctionSpec),
    ) -> Result<Arc<dyn Worker>, LaunchError> {
        let file = self.package(module);
        self.driver.launch(self.launch_of(&file, settings)).await
    }

    pub async fn launch_with(
        &self,
        module: impl AsRef<[u8]>,
        settings: impl FnOnce(&mut FunctionSpec),
    ) -> Arc<dyn Worker> {
        self.try_launch(module, settings).await.unwrap_or_else(|error| panic!("{error}\n{:?}", error.logs))
    }

    pub async fn launch(&self, module: impl AsRef<[u8]>) -> Arc<dyn Worker> {
        self.launch_with(module, |_| {}).await
    }
}

/// A core command module around `body`: memory, the functions of WASI that most tests use, and `_start` in `body`.
pub fn command(body: &str) -> String {
    format!(
        r#"(module $guest
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  ;; Writes the bytes at $at to $fd.
  (func $write (param $fd i32) (param $at i32) (param $length i32) (result i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
  ;; Reads up to 64 KiB of stdin to 65536 and says how many bytes.
  (func $read (result i32)
    (i32.store (i32.const 0) (i32.const 65536))
    (i32.store (i32.const 4) (i32.const 65536))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))
{body})"#
    )
}

/// Stdin to stdout.
pub const ECHO: &str = r#"
  (func (export "_start") (local $read i32)
    (loop $again
      (local.set $read (call $read))
      (if (local.get $read)
        (then
          (drop (call $write (i32.const 1) (i32.const 65536) (local.get $read)))
          (br $again)))))"#;

/// A component of Tidemill's world from a core module: imports as `$log`, `$send`, `$get_state`, `$set_state`, `$call`,
/// memory, an allocator, `$reply (at length) -> result` and `$fail (at length) -> result`. `body` has the exports; `$event` is
/// at the address that `handle` gets, with the fields in the order of the world, the body's address at 120.
pub fn component(world: &str, body: &str) -> Vec<u8> {
    let core = format!(
        r#"(module $guest
  (import "tidemill:function/context@0.1.0" "log" (func $log (param i32 i32 i32 i32 i32 i32)))
  (import "tidemill:function/context@0.1.0" "send"
    (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
  (import "tidemill:function/context@0.1.0" "get-state" (func $get_state (param i32)))
  (import "tidemill:function/context@0.1.0" "set-state" (func $set_state (param i32 i32 i32)))
  (import "tidemill:function/context@0.1.0" "call"
    (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 8192))
  (func $allocate (export "cabi_realloc") (param i32 i32 i32) (param $bytes i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $bytes)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $free) (i32.shl (memory.size) (i32.const 16))))
      (drop (memory.grow
        (i32.sub (i32.add (i32.shr_u (global.get $free) (i32.const 16)) (i32.const 1)) (memory.size)))))
    (local.get $at))
  (func $reply (param $at i32) (param $length i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store16 (i32.const 1028) (i32.const 200))
    (i64.store (i32.const 1032) (i64.const 0))
    (i64.store (i32.const 1040) (i64.const 0))
    (i32.store (i32.const 1048) (local.get $at))
    (i32.store (i32.const 1052) (local.get $length))
    (i32.const 1024))
  (func $fail (param $at i32) (param $length i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 1))
    (i32.store (i32.const 1028) (local.get $at))
    (i32.store (i32.const 1032) (local.get $length))
    (i32.store16 (i32.const 1036) (i32.const 422))
    (i64.store (i32.const 1040) (i64.const 0))
    (i32.const 1024))
{body})"#
    );
    let mut module = wat::parse_str(core).unwrap();
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("wit")).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding).unwrap();
    wit_component::ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

/// The export that handles an event.
pub const HANDLE: &str = r#"(export "tidemill:function/handler@0.1.0#handle")"#;
