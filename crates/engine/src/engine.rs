//! The engine: what the server, the command line and the tests call.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tidemill_core::{
    Event, FunctionRef, FunctionState, InvocationId, ProjectName, RevisionNumber, Timestamp, TopicName,
    limits::INTERRUPTIONS_MAX,
    ports::{Clock, DriverHealth, Progress, Registry, Rng, Store, StoreError},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    call,
    config::{EngineConfig, Ports, StartError},
    cron, deploy,
    directory::Directory,
    error::{CallError, DeployError, SubmitError},
    function::{Current, Function, Target},
    history,
    host::EngineHost,
    launcher::WorkerNames,
    leases, leftovers,
    notices::Herald,
    pending,
    request::{Called, DeployRequest, Deployed, FunctionView, Prepared, Receipt, Source, SubmitOptions, TopicView},
    retention,
    routes::{HttpRoute, Routes},
    shared::Shared,
    submit, timers, view,
};

/// How often pools are looked after.
const TEND: Duration = Duration::from_secs(2);
/// How long attempts may take to be given back once the grace is over.
const GIVE_BACK: Duration = Duration::from_secs(10);

/// The durable core at work. Cloning it is cheap; the clones are one engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) host: Arc<EngineHost>,
}

impl Engine {
    /// Loads the functions, puts back what the node's former life held, and starts to work.
    pub async fn start(config: EngineConfig, ports: Ports) -> Result<Engine, StartError> {
        let host = Arc::new(EngineHost::default());
        let routes = Arc::new(ArcSwap::<Routes>::default());
        let shared = Arc::new(Shared {
            directory: Directory::new(
                ports.registry.clone(),
                routes.clone(),
                ports.vault.clone(),
                ports.clock.clone(),
                ports.rng.clone(),
            ),
            worker_names: WorkerNames::new(&config.node),
            config,
            ports,
            routes,
            deploys: Default::default(),
            running: Default::default(),
            waiters: Default::default(),
            calls: Default::default(),
            large_bodies: Default::default(),
            due_alarm: Default::default(),
            cron_alarm: Default::default(),
            history: Default::default(),
            tasks: TaskTracker::new(),
            workers: TaskTracker::new(),
            stop: CancellationToken::new(),
            grace_over: CancellationToken::new(),
            abort: CancellationToken::new(),
        });
        host.connect(&shared);
        let engine = Engine { shared, host };
        engine.load().await?;
        let shared = &engine.shared;
        shared.tasks.spawn(timers::run(shared.clone()));
        shared.tasks.spawn(cron::run(shared.clone()));
        shared.tasks.spawn(retention::run(shared.clone()));
        shared.tasks.spawn(tend(shared.clone()));
        shared.tasks.spawn(leftovers::release(shared.clone()));
        shared.workers.spawn(leases::run(shared.clone()));
        shared.workers.spawn(history::run(shared.clone()));
        Ok(engine)
    }

    async fn load(&self) -> Result<(), StartError> {
        let shared = &self.shared;
        let owner = Some(shared.config.node.clone());
        shared.ports.store.expire(shared.now(), owner, INTERRUPTIONS_MAX).await?;
        let waiting = pending::all(shared).await?;
        let mut functions = BTreeMap::new();
        for record in shared.ports.store.functions().await? {
            let revisions = shared.ports.store.revisions(&record.function).await?;
            let Some(revision) = revisions.into_iter().find(|revision| revision.number == record.active) else {
                tracing::error!(function = %record.function, revision = %record.active, "the active revision is missing");
                continue;
            };
            let spec = Arc::new(revision.spec.clone());
            let pool = deploy::pool(shared, &self.host, &revision, &spec);
            if waiting.contains(&(record.function.clone(), record.active)) {
                pool.set_herald(Herald::new(shared, &record.function, record.active, &spec));
                pool.want_first();
            } else {
                pool.set_was_ready();
            }
            let current =
                Current { revision: record.active, pool, spec, desired: record.desired, updated_at: record.updated_at };
            let function = Function::new(record.function.clone(), record.created_at, current, 0);
            functions.insert(record.function, Arc::new(function));
        }
        let projects: std::collections::BTreeSet<_> = functions.keys().map(|f| f.project.clone()).collect();
        for project in projects {
            for stats in shared.ports.store.queues(&project, None).await? {
                if let Some(function) = functions.get(&stats.function) {
                    function.set_queued(stats.queued);
                }
            }
        }
        cron::reconcile(shared, &functions).await?;
        for function in functions.values() {
            deploy::start_pump(shared, function);
        }
        shared.routes.store(Arc::new(Routes::new(functions)));
        Ok(())
    }

    /// Stops: accepts and claims nothing more, lets running attempts finish for the configured grace, gives back the rest,
    /// stops the workers and writes what is left to write. An attempt given back is not a failed one.
    pub async fn shutdown(&self) {
        let shared = &self.shared;
        shared.stop.cancel();
        shared.ports.driver.leave();
        shared.tasks.close();
        let in_time = tokio::time::timeout(shared.config.drain_grace, shared.tasks.wait()).await.is_ok();
        shared.grace_over.cancel();
        // Workers end first, so that calls still open end as interrupted and can be settled.
        let functions: Vec<_> = shared.routes.load().functions().values().cloned().collect();
        let closing = functions.iter().map(|function| {
            let pool = function.current.load().pool.clone();
            async move { pool.close(if in_time { Duration::from_secs(2) } else { Duration::ZERO }).await }
        });
        futures_util::future::join_all(closing).await;
        let _ = tokio::time::timeout(GIVE_BACK, shared.tasks.wait()).await;
        shared.abort.cancel();
        shared.workers.close();
        let _ = tokio::time::timeout(GIVE_BACK, shared.workers.wait()).await;
        shared.ports.driver.close().await;
        shared.ports.builder.close().await;
    }

    /// How many attempts and calls run now.
    pub fn active_calls(&self) -> u32 {
        let routes = self.shared.routes.load();
        let pools = routes.functions().values().flat_map(|function| function.pools());
        pools.map(|pool| pool.view().busy_slots).sum()
    }

    /// Where an HTTP request leads: `/f/{function}/…`, `/f/{project}:{function}/…`, or a path of a trigger.
    pub fn route(&self, host: Option<&str>, method: &str, path: &str) -> HttpRoute {
        self.shared.routes.load().http(host, method, path)
    }

    /// A function by name.
    pub fn target(&self, function: &FunctionRef) -> Option<Target> {
        self.shared.routes.load().function(function).cloned().map(Target)
    }

    /// Calls a function and waits for its response. An error of user code is a [`Called`], not an error of ours.
    pub async fn call(&self, target: &Target, event: Event, received_at: Timestamp) -> Result<Called, CallError> {
        // User code that still runs may go on calling, its callers may not.
        if self.shared.is_stopping() {
            return Err(CallError::Stopping);
        }
        call::call(&self.shared, &target.0, event, received_at).await
    }

    /// Accepts an event: when this returns, it is on disk.
    pub async fn submit(&self, target: &Target, event: Event, options: SubmitOptions) -> Result<Receipt, SubmitError> {
        let receipts = submit::submit(&self.shared, &target.0, vec![event], options).await?;
        receipts.into_iter().next().ok_or_else(|| StoreError::Failed("a submission got no answer".to_owned()).into())
    }

    /// Accepts several events in one transaction. `options.idempotency_key` can belong to one event only: it must be `None`
    /// for more.
    pub async fn submit_all(
        &self,
        target: &Target,
        events: Vec<Event>,
        options: SubmitOptions,
    ) -> Result<Vec<Receipt>, SubmitError> {
        if events.len() > 1 && options.idempotency_key.is_some() {
            let reason = "an idempotency key belongs to one event".to_owned();
            return Err(StoreError::Conflict(reason).into());
        }
        submit::submit(&self.shared, &target.0, events, options).await
    }

    /// Accepts events for every subscriber of a topic, in one transaction. The ids are those of the invocations: none when
    /// nobody subscribes.
    pub async fn publish(
        &self,
        project: &ProjectName,
        topic: &TopicName,
        events: Vec<Event>,
        received_at: Timestamp,
    ) -> Result<Vec<InvocationId>, SubmitError> {
        submit::publish(&self.shared, project, topic, events, received_at).await
    }

    /// Unpacks a package and completes its settings. Nothing is stored but the package.
    pub async fn prepare(&self, source: Source) -> Result<Prepared, DeployError> {
        deploy::prepare(&self.shared, source).await
    }

    /// Deploys a function. If anything fails, what served before still serves.
    pub async fn deploy(&self, request: DeployRequest, progress: &dyn Progress) -> Result<Deployed, DeployError> {
        deploy::deploy(&self.shared, &self.host, request, progress).await
    }

    /// Makes an earlier revision serve: `to`, or the one before the active one.
    pub async fn rollback(&self, function: &FunctionRef, to: Option<RevisionNumber>) -> Result<Deployed, DeployError> {
        deploy::rollback(&self.shared, &self.host, function, to).await
    }

    /// Pauses a function: it keeps accepting asynchronous events and runs none; synchronous calls are refused, scheduled
    /// runs are left out. What runs already ends as usual.
    pub async fn pause(&self, function: &FunctionRef) -> Result<(), DeployError> {
        deploy::set_desired(&self.shared, function, FunctionState::Paused).await
    }

    /// Resumes a paused function.
    pub async fn resume(&self, function: &FunctionRef) -> Result<(), DeployError> {
        deploy::set_desired(&self.shared, function, FunctionState::Active).await
    }

    /// Deletes a function with all that is stored of it. What runs is ended.
    pub async fn delete(&self, function: &FunctionRef) -> Result<(), DeployError> {
        deploy::delete(&self.shared, function).await
    }

    /// The functions of a project, or of all, by name.
    pub fn functions(&self, project: Option<&ProjectName>) -> Vec<FunctionView> {
        view::functions(&self.shared.routes.load(), project)
    }

    /// One function.
    pub fn function(&self, function: &FunctionRef) -> Option<FunctionView> {
        self.shared.routes.load().function(function).map(|function| view::function(function))
    }

    /// The topics that somebody subscribes to.
    pub fn topics(&self, project: &ProjectName) -> Vec<TopicView> {
        view::topics(&self.shared.routes.load(), project)
    }

    /// The store, for whoever only reads.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.ports.store
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.ports.clock
    }

    /// The registry, for whoever keeps documents of its own there.
    pub fn registry(&self) -> &Arc<dyn Registry> {
        &self.shared.ports.registry
    }

    /// Aliases, grants, nonces and configs.
    pub fn directory(&self) -> &Directory {
        &self.shared.directory
    }

    /// Chance.
    pub fn rng(&self) -> &Arc<dyn Rng> {
        &self.shared.ports.rng
    }

    /// What the drivers tell of themselves.
    pub async fn driver_health(&self) -> Vec<DriverHealth> {
        self.shared.ports.driver.health().await
    }

    /// A fresh id.
    pub fn new_id(&self) -> InvocationId {
        self.shared.new_id()
    }

    /// Whether it works: started, and not stopping.
    pub fn is_ready(&self) -> bool {
        !self.shared.is_stopping()
    }
}

/// Looks after the pools: minimum numbers, idle workers.
async fn tend(shared: Arc<Shared>) {
    loop {
        for function in shared.routes.load().functions().values() {
            let current = function.current.load();
            current.pool.tend(current.desired == FunctionState::Active);
        }
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(TEND) => {}
        }
    }
}
