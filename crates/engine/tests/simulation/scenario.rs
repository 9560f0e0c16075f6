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
    invocation::{AttemptOutcome, Status},
    manifest::Overrides,
    ports::{Clock, InvocationFilter, Store},
};
use tidemill_engine::{DeployRequest, Engine, EngineConfig, Ports, RetentionConfig, SubmitOptions};
use tidemill_store::MemoryStore;

use crate::{
    fake::{FakeBuilder, Gate, OpenVault, Unwatched, package},
    gate::SimToll,
    world::{SimDriver, World},
};

const FUNCTIONS: [&str; 4] = [
    "metadata: {name: plain}\nspec: {runtime: python, retry: {maxAttempts: 30, initial: 1s, max: 10s}}",
    "metadata: {name: keyed}\nspec: {runtime: python, ordering: {key: {header: tidemill-key}}, retry: {maxAttempts: 30, initial: 1s, max: 5s}}",
    "metadata: {name: after}\nspec: {runtime: python, retry: {maxAttempts: 30}, triggers: {m: {kind: message, attributes: {subscribeTo: plain}}}}",
    "metadata: {name: ticks}\nspec: {runtime: python, retry: {maxAttempts: 30}, triggers: {t: {kind: cron, attributes: {schedule: '@every 20s'}}}}",
];
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
struct Clients {
    acknowledged: BTreeMap<InvocationId, Expected>,
    next: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, PartialEq)]
enum Expected {
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
            life = lives.begin().await;
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
    check(&world, &store, &clients).await;
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

async fn submit(world: &World, engine: &Engine, clients: &mut Clients) {
    let dice = &world.dice;
    let mut event = Event { method: "POST".into(), path: "/".into(), time: world.clock.now(), ..Event::default() };
    let mut expected = Expected::Succeeds { key: None };
    let name = if dice.percent(60) { "keyed" } else { "plain" };
    if name == "keyed" {
        let key = format!("k{}", dice.below(KEYS));
        let number = clients.next.entry(key.clone()).or_default();
        *number += 1;
        event.headers.push(("tidemill-key".into(), key.clone()));
        event.body = Bytes::from(number.to_string());
        expected = Expected::Succeeds { key: Some((key, *number)) };
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

/// All that was acknowledged ends as it should; so does what it led to.
async fn check(world: &World, store: &Arc<dyn Store>, clients: &Clients) {
    let filter = |status| InvocationFilter { status: Some(status), limit: 1000, ..InvocationFilter::default() };
    let mut rounds = 0;
    loop {
        // The schedule goes on for ever; it is enough that no more than its newest run is open.
        let mut open = store.invocations(filter(Status::Queued)).await.expect("a page").items;
        open.extend(store.invocations(filter(Status::Running)).await.expect("a page").items);
        open.retain(|invocation| invocation.function.name.as_str() != "ticks");
        if open.is_empty() {
            break;
        }
        rounds += 1;
        assert!(rounds < 2000, "these never end: {open:#?}");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    for (id, expected) in &clients.acknowledged {
        let detail = store.invocation(*id).await.unwrap_or_else(|error| panic!("{id} was acknowledged: {error}"));
        let status = if *expected == Expected::Gives { Status::DeadLettered } else { Status::Succeeded };
        assert_eq!(detail.invocation.status, status, "{id}: {detail:#?}");
        let successes = detail.attempts.iter().filter(|attempt| attempt.outcome == AttemptOutcome::Succeeded).count();
        assert_eq!(successes, usize::from(status == Status::Succeeded), "{id} settled {successes} times");
        let numbers: Vec<u32> = detail.attempts.iter().map(|attempt| attempt.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{id}: attempts {numbers:?}");
    }
    for (key, effects) in world.effects() {
        // An effect may be repeated (its settlement was lost), never overtaken.
        assert!(effects.is_sorted(), "key {key}: {effects:?}");
    }
    let all = |name: &str| InvocationFilter {
        function: Some(name.parse().expect("a name")),
        limit: 1000,
        ..InvocationFilter::default()
    };
    let done = store.invocations(all("plain")).await.expect("a page").items;
    let after = store.invocations(all("after")).await.expect("a page").items;
    for invocation in done.iter().filter(|invocation| invocation.status == Status::Succeeded) {
        let emitted = after.iter().filter(|one| one.parent == Some(invocation.id)).count();
        assert_eq!(emitted, 1, "the response of {} made {emitted} events", invocation.id);
    }
    let ticks = store.invocations(all("ticks")).await.expect("a page").items;
    let mut times: Vec<_> = ticks.iter().map(|tick| tick.event.time).collect();
    times.sort();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "a run took place twice: {times:?}");
    assert!(!times.is_empty(), "no run took place");
}
