//! Starting.

use std::{
    io::{self, IsTerminal},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use tidemill_api::RuntimeInfo;
use tidemill_core::ports::{Builder, Clock, Registry, Rng, Store, Vault};
use tidemill_core::spec::Runtime;
use tidemill_engine::{Engine, EngineConfig, Ports, RetentionConfig};
use tidemill_server::{BindError, Server, ServerConfig, ServerInfo};
use tidemill_store::{OpenError, SqliteConfig, SqliteStore};
use tidemill_worker::{BuilderConfig, DriverConfig, PackageBuilder, Sandbox};

use super::{Node, Signals, access, drivers, listen, secrets};
use crate::{
    config::Settings,
    failure::Failure,
    system::{SystemClock, SystemRng, open_new_files, raise_open_files},
};

/// How long the start waits for interpreters to say who they are.
const FIND_TIMEOUT: Duration = Duration::from_secs(3);

/// Who may do what with a new data folder.
const DATA_MODE: u32 = 0o700;

impl Node {
    /// Puts a node together and listens. Nothing is left behind when it fails.
    pub async fn start(settings: &Settings) -> Result<Node, Failure> {
        let tenants = access::tenants(settings)?;
        listen::check(settings.address("listen"), settings.switch("insecure") || tenants.is_some())?;
        let broken = |what: &'static str| move |error: io::Error| Failure::broken(format!("cannot {what}: {error}"));
        let signals = Signals::new().map_err(broken("take over signals"))?;
        raise_open_files();
        open_new_files();
        tidemill_server::install_metrics();
        let data = data(settings)?;
        let sandbox = drivers::sandbox(&data, settings)?;
        open_way(&data, sandbox.as_deref())?;
        let is_apart = sandbox.as_ref().is_some_and(|sandbox| sandbox.isolates());
        let (ports, builder, notes) = ports(&data, settings, sandbox)?;
        let mut info = info(&data, ports.clock.as_ref(), ports.rng.as_ref(), notes);
        let starting = Engine::start(engine_config(settings, info.node.clone()), ports);
        let (engine, ()) = tokio::join!(starting, find_runtimes(&builder, &mut info));
        let engine = engine.map_err(|error| Failure::broken(error.to_string()))?;
        let mut config = server_config(settings);
        config.process_roles = access::process_roles(settings, is_apart);
        config.auth = access::auth(settings, tenants.as_deref());
        config.abaco = access::abaco(settings, tenants.as_deref());
        match Server::bind(config, engine.clone(), info).await {
            Ok(server) => {
                let address = server.local_addr();
                if !address.ip().is_loopback() && tenants.is_none() {
                    tracing::warn!(%address, "whoever reaches this address may deploy and run code");
                }
                // At a terminal the greeting says so.
                if !(io::stdout().is_terminal() && io::stderr().is_terminal()) {
                    tracing::info!(%address, data = %data.display(), "listening");
                }
                Ok(Node { engine, server, address, signals, grace: settings.duration("drain_grace") })
            }
            Err(error) => {
                engine.shutdown().await;
                Err(not_bound(&error))
            }
        }
    }
}

fn data(settings: &Settings) -> Result<PathBuf, Failure> {
    let data = settings.path("data").ok_or_else(|| {
        Failure::usage("there is no folder for the data, because neither XDG_DATA_HOME nor HOME is set")
            .hint("name one with --data DIR")
    })?;
    let unusable = |error: io::Error| {
        Failure::fixable(format!(
            "cannot use the data folder {} ({}): {error}",
            data.display(),
            settings.origin("data")
        ))
        .hint("name another one with --data DIR")
    };
    let mut making = std::fs::DirBuilder::new();
    // What is in it is nobody else's, who may be on the same machine.
    making.recursive(true).mode(DATA_MODE).create(&data).map_err(unusable)?;
    let data = std::fs::canonicalize(&data).map_err(unusable)?;
    let mode = std::fs::metadata(&data).map_err(unusable)?.permissions().mode() & 0o777;
    if mode & 0o066 != 0 {
        let (folder, mode) = (data.display(), format!("{mode:04o}"));
        tracing::warn!(%folder, mode, "the data folder is open to other users of this machine; chmod 0700 closes it");
    }
    Ok(data)
}

/// Lets others pass through the data folder, not look, where programs are other users and come to their packages by their paths.
fn open_way(data: &Path, sandbox: Option<&Sandbox>) -> Result<(), Failure> {
    if !sandbox.is_some_and(Sandbox::leaves_paths_to_others) {
        return Ok(());
    }
    let opened = std::fs::metadata(data).and_then(|found| {
        let mode = found.permissions().mode() | 0o011;
        std::fs::set_permissions(data, std::fs::Permissions::from_mode(mode))
    });
    opened.map_err(|error| Failure::fixable(format!("cannot let functions into {}: {error}", data.display())))
}

fn ports(
    data: &Path,
    settings: &Settings,
    sandbox: Option<Arc<Sandbox>>,
) -> Result<(Ports, Arc<PackageBuilder>, Vec<String>), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = SqliteStore::open(SqliteConfig::new(data, clock.clone())).map_err(|error| not_opened(&error))?;
    let unusable =
        |error: io::Error| Failure::fixable(format!("cannot use the data folder {}: {error}", data.display()));
    let mut building = BuilderConfig::new(data).with_variables(std::env::vars_os());
    building.python = settings.path("runtimes.python");
    building.node = settings.path("runtimes.node");
    building.sandbox = sandbox.clone();
    building.limits = drivers::build_limits(settings);
    let mut driving = DriverConfig::new(data, sandbox);
    driving.memory_bytes_max = drivers::worker_memory(settings);
    driving.search_path = building.search_path.clone();
    let builder = Arc::new(PackageBuilder::new(building).map_err(unusable)?);
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    let (driver, notes) = drivers::all(data, settings, driving, rng.as_ref()).map_err(unusable)?;
    let store = Arc::new(store);
    let ports = Ports {
        registry: Arc::clone(&store) as Arc<dyn Registry>,
        vault: Arc::new(secrets::vault(data, settings, Arc::clone(&rng))?) as Arc<dyn Vault>,
        store: store as Arc<dyn Store>,
        builder: Arc::clone(&builder) as Arc<dyn Builder>,
        driver,
        clock,
        rng,
    };
    Ok((ports, builder, notes))
}

/// Notes which runtimes there are, and why others are not there.
async fn find_runtimes(builder: &PackageBuilder, info: &mut ServerInfo) {
    let Ok(found) = tokio::time::timeout(FIND_TIMEOUT, builder.interpreters()).await else {
        info.notes.push(
            "python and node did not say their versions in time; they are asked again when a function needs them"
                .to_owned(),
        );
        return;
    };
    for (runtime, found) in found {
        match found {
            Ok(found) => info.runtimes.push(RuntimeInfo {
                name: runtime.to_string(),
                version: found.version,
                program: found.program.display().to_string(),
            }),
            Err(error) => info.notes.push(format!("{runtime} functions cannot be deployed: {error}")),
        }
    }
    let wasm = cfg!(feature = "wasm").then_some(Runtime::Wasm);
    let further = [Runtime::Shell, Runtime::Binary, Runtime::Image, Runtime::Webhook].into_iter().chain(wasm);
    let further = further.map(|runtime| runtime.to_string());
    info.runtimes.extend(further.map(|name| RuntimeInfo { name, ..RuntimeInfo::default() }));
}

fn info(data: &Path, clock: &dyn Clock, rng: &dyn Rng, notes: Vec<String>) -> ServerInfo {
    let life = rng.bits() & 0xffff_ffff_ffff;
    ServerInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node: format!("node-{life:012x}"),
        started_at: clock.now().into(),
        data: data.display().to_string(),
        runtimes: Vec::new(),
        notes,
    }
}

fn engine_config(settings: &Settings, node: String) -> EngineConfig {
    let cores = thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX));
    EngineConfig {
        node,
        cores,
        drain_grace: settings.duration("drain_grace"),
        retention: RetentionConfig {
            finished: settings.duration("retention.finished"),
            dead_lettered: settings.duration("retention.dead_lettered"),
        },
    }
}

fn server_config(settings: &Settings) -> ServerConfig {
    ServerConfig {
        listen: settings.address("listen"),
        hosts: settings.hosts("hosts"),
        containers: access::containers(settings),
        body_bytes_max: settings.size("http.body_max"),
        bodies_bytes_max: settings.size("http.bodies_max"),
        connections_max: usize::try_from(settings.count("http.connections_max")).unwrap_or(usize::MAX),
        header_read_timeout: settings.duration("http.header_timeout"),
        request_read_timeout: settings.duration("http.body_timeout"),
        drain_timeout: settings.duration("drain_grace"),
        ..ServerConfig::default()
    }
}

/// The store says in its own words what to do; those lines become hints.
fn not_opened(error: &OpenError) -> Failure {
    let text = error.to_string();
    let mut lines = text.lines();
    let failure = Failure::fixable(lines.next().unwrap_or_default());
    lines.fold(failure, |failure, line| failure.hint(line.trim_start_matches("hint: ")))
}

fn not_bound(error: &BindError) -> Failure {
    let failure = Failure::fixable(error.to_string());
    match error.source.kind() {
        io::ErrorKind::AddrInUse => failure
            .hint("another server, perhaps another tidemill, listens there; stop it, or choose another port with --listen 127.0.0.1:PORT"),
        io::ErrorKind::PermissionDenied => failure.hint("ports below 1024 need more rights; choose another with --listen"),
        io::ErrorKind::AddrNotAvailable => failure.hint("this machine does not have that address; choose another with --listen"),
        _ => failure,
    }
}
