//! What belongs to one instance: its view of the world and its account.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use tidemill_core::{
    FunctionRef,
    invocation::LogLevel,
    ports::{Call, Host},
};
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder, WasiCtxView, WasiView, p1::WasiP1Ctx, p2::pipe::MemoryInputPipe};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    budget::Account,
    grants::Mount,
    hosts::Pattern,
    limiter::Limiter,
    limits,
    outbound::{Clients, Outbound},
    record::Record,
    streams::Sink,
};

/// What all instances of one worker have in common.
pub(crate) struct Scene {
    pub engine: Engine,
    pub function: FunctionRef,
    pub host: Arc<dyn Host>,
    pub clients: Arc<Clients>,
    pub hosts: Arc<[Pattern]>,
    pub mounts: Vec<Mount>,
    /// The environment of every instance.
    pub variables: Arc<[(String, String)]>,
    pub memory_bytes_max: u64,
}

/// What one instance gets beside that.
#[derive(Default)]
pub(crate) struct Part {
    pub record: Record,
    pub pace: Pace,
    pub configs: Arc<BTreeMap<String, String>>,
    /// Whether stdout is the reply.
    pub is_command: bool,
    pub arguments: Vec<String>,
    /// Further environment.
    pub variables: Vec<(String, String)>,
    pub stdin: Bytes,
}

impl Part {
    /// The part of a run of `call`.
    pub fn of(call: &Call, record: &Record, pace: &Pace) -> Part {
        Part { record: record.clone(), pace: pace.clone(), configs: call.configs.clone(), ..Part::default() }
    }
}

/// How an instance goes on, and whether it should.
#[derive(Clone, Default)]
pub(crate) struct Pace(Arc<Flags>);

#[derive(Default)]
struct Flags {
    is_over: AtomicBool,
    ticks: AtomicU32,
}

/// Ticks after which a run counts as long.
const TICKS_SHORT_MAX: u32 = 3;

impl Pace {
    /// Has it end at its next loop or call.
    pub fn end(&self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }

    /// Whether it has computed for more than some milliseconds.
    pub fn is_long(&self) -> bool {
        self.0.ticks.load(Ordering::Relaxed) > TICKS_SHORT_MAX
    }

    /// It has computed for a tick: it gives way, or ends.
    pub fn tick(&self) -> wasmtime::Result<UpdateDeadline> {
        if self.0.is_over.load(Ordering::Relaxed) {
            return Err(Ended.into());
        }
        self.0.ticks.fetch_add(1, Ordering::Relaxed);
        // Others on this thread, and whoever waits for its sockets, come first.
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    }
}

/// The trap of a guest that was told to end.
#[derive(Debug)]
pub(crate) struct Ended;

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it was told to end")
    }
}

impl std::error::Error for Ended {}

/// The data of an instance's store.
pub(crate) struct Guest {
    wasi: WasiP1Ctx,
    http: WasiHttpCtx,
    outbound: Outbound,
    pub limiter: Limiter,
    pub record: Record,
    pub configs: Arc<BTreeMap<String, String>>,
    pub variables: Arc<[(String, String)]>,
    pub function: FunctionRef,
    pub host: Arc<dyn Host>,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.ctx()
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: self.wasi.ctx().table, hooks: &mut self.outbound }
    }
}

impl Guest {
    /// The view of a core module.
    pub fn p1(&mut self) -> &mut WasiP1Ctx {
        &mut self.wasi
    }
}

impl Scene {
    /// A store for one instance, whose memory is of `account`.
    pub fn store(&self, part: Part, account: Account) -> wasmtime::Result<Store<Guest>> {
        let pace = part.pace.clone();
        let mut wasi = self.wasi(&part)?;
        wasi.ctx().table.set_max_capacity(limits::HANDLES_MAX);
        let guest = Guest {
            wasi,
            http: WasiHttpCtx::new(),
            outbound: Outbound::new(self.clients.clone(), self.hosts.clone()),
            limiter: Limiter::new(self.memory_bytes_max, account),
            record: part.record,
            configs: part.configs,
            variables: self.variables.clone(),
            function: self.function.clone(),
            host: self.host.clone(),
        };
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(limits::HOST_CALL_BYTES_MAX);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| pace.tick());
        Ok(store)
    }

    fn wasi(&self, part: &Part) -> wasmtime::Result<WasiP1Ctx> {
        let mut builder = WasiCtxBuilder::new();
        builder.max_random_size(limits::RANDOM_BYTES_MAX);
        builder.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        builder.envs(&self.variables).envs(&part.variables);
        builder.stderr(Sink::lines(&part.record, LogLevel::Warn));
        if part.is_command {
            builder.args(&part.arguments);
            builder.stdin(MemoryInputPipe::new(part.stdin.clone())).stdout(Sink::reply(&part.record));
        } else {
            builder.stdout(Sink::lines(&part.record, LogLevel::Info));
        }
        for mount in &self.mounts {
            let rights = if mount.is_writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            builder.preopened_dir(&mount.source, &mount.target, rights)?;
        }
        Ok(builder.build_p1())
    }
}
