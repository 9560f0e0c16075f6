//! An engine on the fakes, and short words for what the tests do with it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tidemill_core::{
    Event, FunctionRef, InvocationId, Timestamp,
    invocation::{AttemptOutcome, Invocation, Status},
    manifest::Overrides,
    ports::{Clock, InvocationDetail, InvocationFilter, Rng, Store, StoreError},
    spec::FunctionSpec,
};
use tidemill_engine::{
    CallError, Called, DeployError, DeployRequest, Deployed, Engine, EngineConfig, FunctionView, Ports, Readiness,
    RetentionConfig, Source, SubmitError, SubmitOptions, Target,
};
use tidemill_store::MemoryStore;
use tokio::task::JoinHandle;

use crate::{
    fake::{FakeBuilder, FakeClock, Gate, OpenVault, Toll, Unwatched, package},
    stage::{FakeDriver, LONG, Stage},
};

/// How long running attempts may finish when the engine stops.
pub const GRACE: Duration = Duration::from_secs(10);

/// Counts. The chance that shortens waits is always zero, so that waits are exact.
#[derive(Default)]
struct Counter(AtomicU32);

impl Rng for Counter {
    fn bits(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// What the store's gate does.
#[derive(Default)]
pub struct Tolls {
    counts: Mutex<BTreeMap<&'static str, u32>>,
    delays: Mutex<BTreeMap<&'static str, Duration>>,
    refused: Mutex<BTreeMap<&'static str, u32>>,
}

impl Tolls {
    /// How often the store was asked.
    pub fn count(&self, intent: &str) -> u32 {
        self.counts.lock().get(intent).copied().unwrap_or(0)
    }

    /// Each such call takes so long.
    pub fn delay(&self, intent: &'static str, takes: Duration) {
        self.delays.lock().insert(intent, takes);
    }

    /// The next `count` such calls find the disk full.
    pub fn refuse(&self, intent: &'static str, count: u32) {
        self.refused.lock().insert(intent, count);
    }
}

#[async_trait]
impl Toll for Tolls {
    async fn before(&self, intent: &'static str) -> Result<(), StoreError> {
        *self.counts.lock().entry(intent).or_default() += 1;
        let delay = self.delays.lock().get(intent).copied();
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        match self.refused.lock().get_mut(intent) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Err(StoreError::Full)
            }
            _ => Ok(()),
        }
    }

    async fn after(&self, _intent: &'static str) -> Result<(), StoreError> {
        Ok(())
    }
}

/// An engine that runs, and the world around it.
pub struct Mill {
    pub engine: Engine,
    pub stage: Arc<Stage>,
    pub store: Arc<MemoryStore>,
    pub tolls: Arc<Tolls>,
    pub clock: Arc<FakeClock>,
    builder: Arc<FakeBuilder>,
    rng: Arc<Counter>,
    lives: u32,
}

pub fn name(text: &str) -> FunctionRef {
    text.parse().expect("a name")
}

pub fn event(body: &str) -> Event {
    Event { method: "POST".into(), path: "/".into(), body: Bytes::copy_from_slice(body.as_bytes()), ..Event::default() }
}

impl Mill {
    pub async fn start() -> Mill {
        let clock = FakeClock::new();
        let (stage, tolls) = (Stage::new(), Arc::new(Tolls::default()));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let (builder, rng) = (FakeBuilder::new(), Arc::new(Counter::default()));
        let ports = ports(&stage, &tolls, &store, &clock, &builder, &rng);
        let engine = Engine::start(config(1), ports).await.expect("it starts");
        Mill { engine, stage, store, tolls, clock, builder, rng, lives: 1 }
    }

    /// A new engine takes over the store.
    pub async fn begin_anew(&mut self) {
        self.lives += 1;
        let ports = ports(&self.stage, &self.tolls, &self.store, &self.clock, &self.builder, &self.rng);
        self.engine = Engine::start(config(self.lives), ports).await.expect("it starts");
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn try_deploy(&self, manifest: &str) -> Result<Deployed, DeployError> {
        let request = DeployRequest::package(package(manifest), Overrides::default());
        self.engine.deploy(request, &Unwatched).await
    }

    /// Deploys the function `name` with `spec` (YAML in braces' content) and returns the revision's number.
    pub async fn deploy(&self, name: &str, spec: &str) -> u32 {
        let manifest = manifest(name, spec);
        self.try_deploy(&manifest).await.unwrap_or_else(|error| panic!("{manifest}: {error}")).revision.0
    }

    /// Deploys settings alone.
    pub async fn deploy_spec(&self, name: &str, spec: FunctionSpec, readiness: Readiness) -> Result<u32, DeployError> {
        let source = Source::Spec { function: self::name(name), spec: Box::new(spec) };
        let request = DeployRequest { source, readiness, again: false, owner: None };
        self.engine.deploy(request, &Unwatched).await.map(|deployed| deployed.revision.0)
    }

    /// The state of a function under `key`, and its version.
    pub async fn state(&self, function: &str, key: &str) -> Option<(String, u64)> {
        let record = self.engine.state(&name(function), key).await.expect("the function is there")?;
        Some((String::from_utf8(record.value.to_vec()).expect("a text"), record.version))
    }

    pub fn view(&self, function: &str) -> FunctionView {
        self.engine.function(&name(function)).expect("it is there")
    }

    /// Bodies of the invocations of a function, oldest first.
    pub async fn bodies(&self, function: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        for invocation in self.invocations(function).await {
            let body = self.store.event_body(invocation.id).await.expect("it is kept");
            bodies.push(String::from_utf8(body.to_vec()).expect("a text"));
        }
        bodies
    }

    pub fn target(&self, function: &str) -> Target {
        self.engine.target(&name(function)).expect("it is deployed")
    }

    pub async fn call(&self, function: &str, body: &str) -> Result<Called, CallError> {
        self.engine.call(&self.target(function), event(body), self.now()).await
    }

    /// A call that goes on by itself.
    pub fn calling(&self, function: &str, body: &str) -> JoinHandle<Result<Called, CallError>> {
        let (engine, target) = (self.engine.clone(), self.target(function));
        let (event, now) = (event(body), self.now());
        tokio::spawn(async move { engine.call(&target, event, now).await })
    }

    pub async fn submit(&self, function: &str, body: &str) -> InvocationId {
        self.try_submit(function, body, SubmitOptions::default()).await.expect("it is accepted")
    }

    pub async fn submit_keyed(&self, function: &str, key: &str, body: &str) -> InvocationId {
        let options = SubmitOptions { key: Some(key.to_owned()), ..SubmitOptions::default() };
        self.try_submit(function, body, options).await.expect("it is accepted")
    }

    pub async fn try_submit(
        &self,
        function: &str,
        body: &str,
        options: SubmitOptions,
    ) -> Result<InvocationId, SubmitError> {
        self.engine.submit(&self.target(function), event(body), options).await.map(|receipt| receipt.id)
    }

    pub async fn detail(&self, id: InvocationId) -> InvocationDetail {
        self.store.invocation(id).await.expect("it is stored")
    }

    pub async fn status(&self, id: InvocationId) -> Status {
        self.detail(id).await.invocation.status
    }

    /// The invocation once it has ended.
    pub async fn ended(&self, id: InvocationId) -> InvocationDetail {
        let detail = self.engine.wait(id, LONG).await.expect("it is stored");
        assert!(detail.invocation.status.is_final(), "it never ends: {detail:#?}");
        detail
    }

    /// All invocations of a function, oldest first.
    pub async fn invocations(&self, function: &str) -> Vec<Invocation> {
        let filter = InvocationFilter { function: Some(name(function)), limit: 10_000, ..InvocationFilter::default() };
        let mut items = self.store.invocations(filter).await.expect("a page").items;
        items.reverse();
        items
    }

    /// Lets `time` pass.
    pub async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Waits until `condition` holds.
    pub async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let mut rounds = 0;
        while !condition() {
            rounds += 1;
            assert!(rounds < 100_000, "this never holds: {what}");
            self.pass(Duration::from_millis(10)).await;
        }
    }
}

/// How the attempts of an invocation ended.
pub fn outcomes(detail: &InvocationDetail) -> Vec<AttemptOutcome> {
    detail.attempts.iter().map(|attempt| attempt.outcome).collect()
}

pub fn manifest(name: &str, spec: &str) -> String {
    format!("metadata: {{name: {name}}}\nspec: {{runtime: python, {spec}}}")
}

fn config(life: u32) -> EngineConfig {
    EngineConfig { node: format!("life-{life}"), cores: 2, drain_grace: GRACE, retention: RetentionConfig::default() }
}

fn ports(
    stage: &Arc<Stage>,
    tolls: &Arc<Tolls>,
    store: &Arc<MemoryStore>,
    clock: &Arc<FakeClock>,
    builder: &Arc<FakeBuilder>,
    rng: &Arc<Counter>,
) -> Ports {
    Ports {
        store: Arc::new(Gate { inner: store.clone(), toll: tolls.clone() }),
        registry: store.clone(),
        vault: Arc::new(OpenVault),
        builder: builder.clone(),
        driver: Arc::new(FakeDriver(stage.clone())),
        clock: clock.clone(),
        rng: rng.clone(),
    }
}
