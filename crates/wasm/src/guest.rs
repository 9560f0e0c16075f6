//! What belongs to one instance: its view of the world and its account.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use tidemill_core::{
    Event, FunctionRef,
    invocation::LogLevel,
    ports::{Call, Host},
    variables::event_variables,
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
    run::Facts,
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
    /// For a command, of which stdout is the reply.
    pub command: Option<Command>,
    /// Calls of functions by functions that led to it.
    pub depth: u32,
}

/// What a command finds in its streams and its environment.
pub(crate) struct Command {
    pub event: Arc<Event>,
    pub facts: Facts,
    pub arguments: Vec<String>,
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
    pub scene: Arc<Scene>,
    part: Part,
    wasi: Wasi,
    http: WasiHttpCtx,
    outbound: Outbound,
    pub limiter: Limiter,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.p1().ctx()
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let table = self.wasi.get(&self.scene, &self.part).ctx().table;
        WasiHttpCtxView { ctx: &mut self.http, table, hooks: &mut self.outbound }
    }
}

impl Guest {
    /// The view of a core module.
    pub fn p1(&mut self) -> &mut WasiP1Ctx {
        self.wasi.get(&self.scene, &self.part)
    }

    /// What its run leaves behind.
    pub fn record(&self) -> &Record {
        &self.part.record
    }

    /// Calls of functions by functions that led to it.
    pub fn depth(&self) -> u32 {
        self.part.depth
    }

    /// The configs that apply to its call.
    pub fn configs(&self) -> &BTreeMap<String, String> {
        &self.part.configs
    }
}

/// The view of WASI. It is made when the guest first asks for something of it: many never do, and a copy of the environment,
/// random generators and streams are a good part of what a short run costs.
#[derive(Default)]
struct Wasi(Option<Box<WasiP1Ctx>>);

impl Wasi {
    fn get(&mut self, scene: &Scene, part: &Part) -> &mut WasiP1Ctx {
        self.0.get_or_insert_with(|| finished(scene.wasi(part), limits::HANDLES_MAX))
    }
}

fn finished(mut builder: WasiCtxBuilder, handles_max: usize) -> Box<WasiP1Ctx> {
    let mut wasi = builder.build_p1();
    wasi.ctx().table.set_max_capacity(handles_max);
    Box::new(wasi)
}

impl Scene {
    /// A store for one instance, whose memory is of `account`.
    pub fn store(self: &Arc<Scene>, part: Part, account: Account) -> wasmtime::Result<Store<Guest>> {
        let pace = part.pace.clone();
        let guest = Guest {
            scene: self.clone(),
            wasi: self.mounted(&part)?,
            part,
            http: WasiHttpCtx::new(),
            outbound: Outbound::new(self.clients.clone(), self.hosts.clone()),
            limiter: Limiter::new(self.memory_bytes_max, account),
        };
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(limits::HOST_CALL_BYTES_MAX);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| pace.tick());
        Ok(store)
    }

    /// Where there are folders the view is made at once: that one of them is missing must show before the guest runs.
    fn mounted(&self, part: &Part) -> wasmtime::Result<Wasi> {
        if self.mounts.is_empty() {
            return Ok(Wasi::default());
        }
        let mut builder = self.wasi(part);
        for mount in &self.mounts {
            let rights = if mount.is_writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            builder.preopened_dir(&mount.source, &mount.target, rights)?;
        }
        Ok(Wasi(Some(finished(builder, limits::HANDLES_OF_FILES_MAX))))
    }

    fn wasi(&self, part: &Part) -> WasiCtxBuilder {
        let mut builder = WasiCtxBuilder::new();
        builder.max_random_size(limits::RANDOM_BYTES_MAX);
        builder.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        builder.envs(&self.variables);
        builder.stderr(Sink::lines(&part.record, LogLevel::Warn));
        match &part.command {
            Some(Command { event, facts, arguments }) => {
                let key = facts.key.as_deref().unwrap_or_default();
                builder.envs(&event_variables(event, facts.attempt, key)).args(arguments);
                builder.stdin(MemoryInputPipe::new(event.body.clone())).stdout(Sink::reply(&part.record));
            }
            None => {
                builder.stdout(Sink::lines(&part.record, LogLevel::Info));
            }
        }
        builder
    }
}
