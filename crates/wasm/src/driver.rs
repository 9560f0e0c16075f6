//! The driver: compiles modules, checks what they ask for, and makes workers of them.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use async_trait::async_trait;
use bytes::Bytes;
use tidemill_core::{
    FunctionRef,
    invocation::LogLine,
    ports::{CallOutcome, Driver, DriverHealth, Launch, LaunchError, Worker},
    spec::{FunctionSpec, Runtime, StateScope},
    variables::function_variables,
    words::{human_bytes, human_duration},
};
use tokio::sync::Semaphore;
use wasmtime::Engine;

use crate::{
    WasmConfig,
    budget::Budget,
    cache::{Cache, one_line},
    engine::{self, Ticker},
    grants::Grants,
    guest::Scene,
    lane::Lane,
    limits,
    outbound::Clients,
    programs::Programs,
    record::Record,
    worker::{Shared, Shares, WasmWorker},
};

/// Runs functions of the runtime `wasm` within this process. See the crate.
pub struct WasmDriver {
    engine: Engine,
    programs: Programs,
    shared: Arc<Shared>,
    clients: Arc<Clients>,
    mounts: Vec<PathBuf>,
    instances_max: u32,
    /// Why instances are not pooled.
    without_pool: Option<String>,
}

impl WasmDriver {
    /// Makes the engine, reserves the address space of the pool and starts the clock's thread.
    ///
    /// # Errors
    ///
    /// The system gives no address space or no thread, or the folders that may be mounted hold those of the server.
    pub fn new(config: WasmConfig) -> io::Result<WasmDriver> {
        let instances_max = config.instances_max.max(1);
        check(&config)?;
        let broken = |error: wasmtime::Error| io::Error::other(one_line(&error));
        let (engine, without_pool) = engine::engine(instances_max).map_err(broken)?;
        if let Some(reason) = &without_pool {
            tracing::warn!(reason, "instances of WebAssembly cannot be pooled and start more slowly");
        }
        let ticker = Ticker::start(&engine)?;
        let cache = Cache::new(config.cache, config.compiled_bytes_max, engine.clone());
        let programs = Programs::new(engine.clone(), cache, config.compiler_bytes_max).map_err(broken)?;
        let room = Arc::new(Semaphore::new(instances_max as usize));
        let memory = Budget::new(config.memory_bytes_max);
        let shares = Shares::new(instances_max as usize);
        let shared = Arc::new(Shared { ticker, lane: Lane::new(config.threads), room, memory, shares });
        let clients = Arc::default();
        Ok(WasmDriver { engine, programs, shared, clients, mounts: config.mounts, instances_max, without_pool })
    }

    fn scene(&self, launch: &Launch, grants: &Grants) -> Scene {
        let memory = launch.spec.resources.memory_bytes.unwrap_or(limits::MEMORY_BYTES_DEFAULT);
        Scene {
            engine: self.engine.clone(),
            function: launch.function.clone(),
            host: launch.host.clone(),
            clients: self.clients.clone(),
            hosts: grants.hosts.as_slice().into(),
            mounts: grants.mounts.clone(),
            variables: function_variables(&launch.function, launch.revision, &launch.spec).into(),
            memory_bytes_max: memory.min(limits::MEMORY_BYTES_MAX),
        }
    }
}

/// Whoever writes to the server's folder, where compiled code is, is the server.
fn check(config: &WasmConfig) -> io::Result<()> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let data = real(config.cache.parent().unwrap_or(&config.cache));
    match config.mounts.iter().find(|mount| data.starts_with(real(mount)) || real(mount).starts_with(&data)) {
        None => Ok(()),
        Some(mount) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("the setting wasm.mounts permits {}, which holds or lies in the data folder", mount.display()),
        )),
    }
}

/// Whether a memory that begins with so many bytes stays within the limit.
fn fits(memory_bytes: u64, memory_bytes_max: u64) -> Result<(), String> {
    if memory_bytes <= memory_bytes_max {
        return Ok(());
    }
    let hint = match memory_bytes <= limits::MEMORY_BYTES_MAX {
        true => format!("set resources.limits.memory to {}Mi or more", memory_bytes.div_ceil(1 << 20)),
        false => format!("no module may have more than {}", human_bytes(limits::MEMORY_BYTES_MAX)),
    };
    let (begins, limit) = (human_bytes(memory_bytes), human_bytes(memory_bytes_max));
    Err(format!("it begins with {begins} of memory, more than its memory limit of {limit}\nhint: {hint}"))
}

fn refused(reason: impl Into<String>) -> LaunchError {
    LaunchError { reason: reason.into(), logs: Vec::new() }
}

/// Why an instance could not be made, with what it logged.
fn not_ready(outcome: CallOutcome, mut logs: Vec<LogLine>) -> LaunchError {
    let line = match outcome {
        CallOutcome::Replied(_) => "it answered before it was asked".to_owned(),
        CallOutcome::Raised { message, .. } => message,
        CallOutcome::Broken { reason, .. } => reason,
    };
    // The backtrace is the last line, and begins with the reason.
    let reason = match logs.pop_if(|log| log.message.starts_with(&line)) {
        Some(trace) => trace.message,
        None => line,
    };
    LaunchError { reason, logs }
}

#[async_trait]
impl Driver for WasmDriver {
    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
        if launch.spec.runtime != Runtime::Wasm {
            return Err(refused(format!("the runtime {} is not run as WebAssembly", launch.spec.runtime)));
        }
        let grants = Grants::read(&launch.spec, &launch.directory, &self.mounts).map_err(refused)?;
        let timeout = launch.spec.readiness_timeout;
        let until = Instant::now().checked_add(timeout).ok_or_else(|| refused("its readiness timeout is too long"))?;
        let program =
            tokio::time::timeout_at(until.into(), self.programs.get(&launch.environment.program, &launch.function))
                .await
                .map_err(|_| {
                    let limit = human_duration(timeout);
                    refused(format!("it was not compiled within its readiness timeout of {limit}; compiling goes on"))
                })?
                .map_err(refused)?;
        tracing::debug!(function = %launch.function, kind = program.kind.as_str(), "linked");
        let scene = self.scene(&launch, &grants);
        fits(program.memory_bytes_largest, scene.memory_bytes_max).map_err(refused)?;
        let worker = WasmWorker::new(launch.worker.clone(), self.shared.clone(), program, scene, grants);
        let has_state = launch.spec.state != StateScope::None;
        let record = Record::new(has_state.then(Bytes::new));
        match worker.try_out(&record, until, timeout).await {
            Ok(()) => Ok(Arc::new(worker)),
            Err(outcome) => Err(not_ready(outcome, record.lines())),
        }
    }

    async fn warm(&self, launch: &Launch) {
        // The launch itself says what is wrong with it.
        let _ = self.programs.get(&launch.environment.program, &launch.function).await;
    }

    async fn outage(&self, _: &FunctionSpec) -> Option<String> {
        let is_full = self.shared.room.available_permits() == 0 || self.shared.memory.is_short();
        is_full.then(|| {
            "all instances of WebAssembly that the server may have, or all of their memory, are in use\nhint: see the settings \
             wasm.instances_max and wasm.memory"
                .to_owned()
        })
    }

    fn forget(&self, function: &FunctionRef) {
        self.programs.forget(function);
    }

    async fn close(&self) {
        self.shared.room.close();
        self.shared.shares.close();
    }

    async fn health(&self) -> Vec<DriverHealth> {
        let pooled = match &self.without_pool {
            None => format!("{} pooled instances", self.instances_max),
            Some(reason) => format!("{} instances, not pooled: {reason}", self.instances_max),
        };
        let memory = human_bytes(self.shared.memory.bytes_max());
        let (loaded, compiled) = self.programs.counts();
        let modules = format!("modules loaded: {loaded}, compiled: {compiled}");
        let detail = format!("wasmtime 48, {pooled}, {memory} for their memory, {modules}");
        vec![DriverHealth { name: "wasm".to_owned(), detail, problem: None }]
    }
}
