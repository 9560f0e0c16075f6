//! One run: a node that serves, clients that submit, faults, crashes, and a check at the end.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tidemill_core::{
    Event, FunctionRef, FunctionState, InvocationId,
    manifest::Overrides,
    ports::{Clock, Store},
};
use tidemill_engine::{
    CallError, Called, DeployRequest, Engine, EngineConfig, Ports, Readiness, RetentionConfig, SubmitOptions,
};
use tidemill_store::MemoryStore;
use tokio::task::JoinHandle;

use crate::{
    check,
    fake::{FakeBuilder, Gate, OpenVault, Unwatched, package},
    gate::SimToll,
    world::{SimDriver, World},
};

const FUNCTIONS: [&str; 7] = [
    "metadata: {name: plain}\nspec: {runtime: python, retry: {maxAttempts: 30, initial: 1s, max: 10s}}",
    "metadata: {name: keyed}\nspec: {runtime: python, ordering: {key: {header: tidemill-key}}, retry: {maxAttempts: 30, initial: 1s, max: 5s}}",
    "metadata: {name: after}\nspec: {runtime: python, retry: {maxAttempts: 30}, triggers: {m: {kind: message, attributes: {subscribeTo: plain}}}}",
    "metadata: {name: ticks}\nspec: {runtime: python, retry: {maxAttempts: 30}, triggers: {t: {kind: cron, attributes: {schedule: '@every 20s'}}}}",
    "metadata: {name: mailbox}\nspec: {runtime: python, retry: {maxAttempts: 30, initial: 1s, max: 5s}}",
    COUNTER,
    "metadata: {name: device}\nspec: {runtime: python, state: key, ordering: {key: {header: tidemill-key}}, retry: {maxAttempts: 30, initial: 1s, max: 5s}}",
];
/// The one that is deployed again and again, and called.
const COUNTER: &str = "metadata: {name: counter}\nspec: {runtime: python, state: function, retry: {maxAttempts: 30, initial: 1s, max: 5s}}";
/// The one that is paused and resumed.
const PAUSED: &str = "keyed";
const STEPS: u32 = 80;
const KEYS: u64 = 3;

pub struct Outcome {
    pub log: Vec<String>,
    pub acknowledged: usize,
    pub crashes: u32,
    pub faults: u32,
    pub store_calls: u32,
}

/// One life of the node.
struct Life {
    engine: Engine,
    dead: Arc<AtomicBool>,
}

struct Lives {
    world: Arc<World>,
    store: Arc<dyn Store>,
    registry: Arc<MemoryStore>,
    builder: Arc<FakeBuilder>,
    faults: Arc<AtomicU32>,
    calls: Arc<AtomicU32>,
    count: u32,
}

impl Lives {
    async fn begin(&mut self) -> Life {
        self.count += 1;
        self.world.log(format!("life {} begins", self.count));
        let dead = Arc::new(AtomicBool::new(false));
        loop {
            let toll = SimToll {
                world: self.world.clone(),
                dead: dead.clone(),
                faults: self.faults.clone(),
                calls: self.calls.clone(),
            };
            let gate = Gate { inner: self.store.clone(), toll: Arc::new(toll) };
            let driver = SimDriver { world: self.world.clone(), dead: dead.clone() };
            let ports = Ports {
                store: Arc::new(gate),
                registry: self.registry.clone(),
                vault: Arc::new(OpenVault),
                builder: self.builder.clone(),
                driver: Arc::new(driver),
                clock: self.world.clock.clone(),
                rng: self.world.dice.clone(),
            };
            let config = EngineConfig {
                node: format!("life-{}", self.count),
                cores: 2,
                drain_grace: Duration::from_secs(1),
                retention: RetentionConfig::default(),
            };
            match Engine::start(config, ports).await {
                Ok(engine) => return Life { engine, dead },
                // A store that fails at the start is tried again, as whoever starts programs would.
                Err(error) => self.world.log(format!("start failed: {error}")),
            }
        }
    }
}

/// What the clients know.
#[derive(Default)]
pub struct Clients {
    pub acknowledged: BTreeMap<InvocationId, Expected>,
    next: BTreeMap<String, u64>,
    /// Calls of this life of the node that are not known to have ended.
    calls: Vec<JoinHandle<Result<Called, CallError>>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    Succeeds { key: Option<(String, u64)> },
    Gives,
}

pub async fn run(seed: u64) -> Outcome {
    let world = World::new(seed);
    let registry = Arc::new(MemoryStore::new(world.clock.clone()));
    let store: Arc<dyn Store> = registry.clone();
    let faults = Arc::new(AtomicU32::new(0));
    let calls = Arc::new(AtomicU32::new(0));
    let mut lives = Lives {
        world: world.clone(),
        store: store.clone(),
        registry,
        builder: FakeBuilder::new(),
        faults: faults.clone(),
        calls: calls.clone(),
        count: 0,
    };
    let mut life = lives.begin().await;
    deploy(&world, &life.engine).await;
    let mut clients = Clients::default();
    let dice = world.dice.clone();
    for _ in 0..STEPS {
        tokio::time::sleep(dice.millis(1500)).await;
        if dice.percent(5) {
            life.dead.store(true, Ordering::Relaxed);
            world.node_died();
            world.log("crash".to_owned());
            clients.calls.drain(..).for_each(|call| call.abort());
            life = lives.begin().await;
        }
        if dice.percent(5) {
            deploy_again(&world, &life.engine).await;
        }
        if dice.percent(10) {
            call(&world, &life.engine, &mut clients);
        }
        if dice.percent(5) {
            pause_or_resume(&world, &life.engine).await;
        }
        submit(&world, &life.engine, &mut clients).await;
    }
    world.has_faults.store(false, Ordering::Relaxed);
    world.log("the faults stop".to_owned());
    let paused = PAUSED.parse().expect("a name");
    life.engine.resume(&paused).await.expect("nothing fails any more");
    check::all(&world, &store, &clients).await;
    for call in clients.calls {
        world.log(format!(
            "call: {:?}",
            call.await.expect("no call panics").map(|called| (called.id, called.succeeded))
        ));
    }
    life.engine.shutdown().await;
    Outcome {
        log: world.take_log(),
        acknowledged: clients.acknowledged.len(),
        crashes: lives.count - 1,
        faults: faults.load(Ordering::Relaxed),
        store_calls: calls.load(Ordering::Relaxed),
    }
}

async fn deploy(world: &World, engine: &Engine) {
    for manifest in FUNCTIONS {
        let request = DeployRequest::package(package(manifest), Overrides::default());
        while let Err(error) = engine.deploy(request.clone(), &Unwatched).await {
            world.log(format!("deploy failed: {error}"));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Pauses what is active and resumes what is paused, if the store agrees.
async fn pause_or_resume(world: &World, engine: &Engine) {
    let function: FunctionRef = PAUSED.parse().expect("a name");
    let is_active = engine.function(&function).expect("it is deployed").desired == FunctionState::Active;
    let done = if is_active { engine.pause(&function).await } else { engine.resume(&function).await };
    world.log(format!("{} {PAUSED}: {done:?}", if is_active { "pause" } else { "resume" }));
}

/// A new revision while executions run. Whether it comes about is up to the store and the dice.
async fn deploy_again(world: &World, engine: &Engine) {
    let mut request = DeployRequest::package(package(COUNTER), Overrides::default());
    request.again = true;
    request.readiness = if world.dice.percent(50) { Readiness::Later } else { Readiness::Checked };
    let deployed = engine.deploy(request, &Unwatched).await.map(|deployed| deployed.revision);
    world.log(format!("deploy again: {deployed:?}"));
}

/// A synchronous call of the counter, which goes on by itself.
fn call(world: &World, engine: &Engine, clients: &mut Clients) {
    let target = engine.target(&"counter".parse().expect("a name")).expect("it is deployed");
    let event = Event { method: "POST".into(), path: "/".into(), time: world.clock.now(), ..Event::default() };
    let (engine, now) = (engine.clone(), world.clock.now());
    clients.calls.push(tokio::spawn(async move { engine.call(&target, event, now).await }));
}

async fn submit(world: &World, engine: &Engine, clients: &mut Clients) {
    let dice = &world.dice;
    let mut event = Event { method: "POST".into(), path: "/".into(), time: world.clock.now(), ..Event::default() };
    let mut expected = Expected::Succeeds { key: None };
    let name = match dice.below(100) {
        0..40 => "keyed",
        40..60 => "counter",
        60..80 => "device",
        _ => "plain",
    };
    if name != "plain" {
        let key = format!("k{}", dice.below(KEYS));
        // All of a counter stand in one line.
        let line = if name == "counter" { name.to_owned() } else { format!("{name}/{key}") };
        let number = clients.next.entry(line.clone()).or_default();
        *number += 1;
        event.headers.push(("tidemill-key".into(), key));
        event.body = Bytes::from(number.to_string());
        expected = Expected::Succeeds { key: Some((line, *number)) };
    }
    if dice.percent(5) {
        event.headers.push(("poison".into(), "yes".into()));
        expected = Expected::Gives;
    }
    let reference: FunctionRef = name.parse().expect("a name");
    let target = engine.target(&reference).expect("it is deployed");
    match engine.submit(&target, event, SubmitOptions::default()).await {
        Ok(receipt) => {
            world.log(format!("accepted {} {expected:?}", receipt.id));
            clients.acknowledged.insert(receipt.id, expected);
        }
        Err(error) => world.log(format!("refused: {error}")),
    }
}
