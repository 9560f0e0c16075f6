//! Deployments: a new revision beside the old one, checked, then switched to; and other changes of functions.
//!
//! ```text
//! unpack ─► resolve settings ─► build environment ─► start a worker ─► store ─► switch ─► drain the old pool
//! ```
//!
//! Until the switch everything can fail without anybody noticing. Calls that hold the old revision finish on it.

use std::{sync::Arc, time::Duration};

use tidemill_core::{
    FunctionRecord, FunctionRef, FunctionState, RevisionNumber, RevisionRecord,
    access::{Level, Object, Principal},
    manifest,
    ports::{LaunchError, Package, Progress, StoreError, Unpacked},
    scaling::{self, LaunchCost},
    spec::{FunctionSpec, Runtime},
};

use crate::{
    cron,
    error::DeployError,
    function::{Current, Function},
    host::EngineHost,
    launcher::Launcher,
    pending,
    pool::{Pool, PoolConfig},
    pump,
    request::{DeployRequest, Deployed, Prepared, Readiness, Source},
    shared::Shared,
    switch::{check_addresses, replace_routes, switch},
};

pub(crate) async fn deploy(
    shared: &Arc<Shared>,
    host: &Arc<EngineHost>,
    request: DeployRequest,
    progress: &dyn Progress,
) -> Result<Deployed, DeployError> {
    let Prepared { unpacked, function: reference, spec, warnings } = match request.source {
        Source::Prepared(prepared) => *prepared,
        source => prepare(shared, source).await?,
    };
    let _guard = begin(shared, &reference).await?;
    may_deploy(shared, &reference, request.owner.as_ref()).await?;
    check_addresses(shared, &reference, &spec)?;
    let newest = newest_revision(shared, &reference).await?;
    let active = shared.routes.load().function(&reference).map(|function| function.current.load().revision);
    let is_same = |newest: &&RevisionRecord| {
        !request.again && Some(newest.number) == active && newest.package == unpacked.digest && newest.spec == *spec
    };
    if let Some(newest) = newest.as_ref().filter(is_same) {
        // A former try may have stored the revision and failed with its schedules.
        cron::put_schedules(shared, &reference, &spec).await?;
        return Ok(Deployed { function: reference, revision: newest.number, spec, unchanged: true, warnings });
    }
    let number = RevisionNumber(newest.map_or(0, |newest| newest.number.0) + 1);
    let revision = RevisionRecord {
        function: reference.clone(),
        number,
        spec: spec.as_ref().clone(),
        package: unpacked.digest.clone(),
        created_at: shared.now(),
    };
    let desired = if spec.disable { FunctionState::Paused } else { FunctionState::Active };
    let pool = match request.readiness {
        Readiness::Checked => ready_pool(shared, host, &revision, Some((unpacked, progress)), desired).await?,
        Readiness::Later => {
            let pool = built_pool(shared, host, &revision, Some((unpacked, progress))).await?;
            pending::remember(shared, &reference, number).await?;
            pool
        }
    };
    let stored = shared.ports.store.put_revision(revision, desired);
    let switched = match active {
        Some(_) => switch(shared, &reference, spec.clone(), pool, request.readiness, stored).await,
        None => {
            let owner = request.owner.as_ref().map(|owner| owner.user.as_str());
            first_switch(shared, &reference, spec.clone(), pool, (request.readiness, owner), stored).await
        }
    };
    if let Err(error) = switched {
        if request.readiness == Readiness::Later {
            unwait(shared, &reference, number).await;
        }
        return Err(error);
    }
    tracing::info!(function = %reference, revision = %number, "deployed");
    Ok(Deployed { function: reference, revision: number, spec, unchanged: false, warnings })
}

/// Whether a function may be deployed: a new one unless an alias has its name, and one that is there by whoever may change it.
async fn may_deploy(shared: &Shared, reference: &FunctionRef, owner: Option<&Principal>) -> Result<(), DeployError> {
    let directory = &shared.directory;
    if shared.routes.load().function(reference).is_none() {
        return match directory.alias(&reference.project, reference.name.as_str()).await? {
            Some(_) => Err(DeployError::IsAlias(reference.clone())),
            None => Ok(()),
        };
    }
    let Some(owner) = owner else { return Ok(()) };
    match owner.may(&directory.grants(&Object::function(reference)).await?, Level::Update) {
        true => Ok(()),
        false => Err(DeployError::IsOthers(reference.clone())),
    }
}

/// The switch to the first revision of a new function. Its owner owns it from the moment that others can see it; when it
/// comes to nothing, nobody owns anything.
async fn first_switch(
    shared: &Arc<Shared>,
    reference: &FunctionRef,
    spec: Arc<FunctionSpec>,
    pool: Arc<Pool>,
    (readiness, owner): (Readiness, Option<&str>),
    stored: impl Future<Output = Result<FunctionRecord, StoreError>>,
) -> Result<(), DeployError> {
    let (directory, object) = (&shared.directory, Object::function(reference));
    let naming = directory.naming().await;
    let ready = async {
        // Somebody may have made an alias while the worker started.
        may_deploy(shared, reference, None).await?;
        match owner {
            Some(owner) => Ok(directory.own(&naming, &object, owner).await?),
            None => Ok(()),
        }
    };
    if let Err(error) = ready.await {
        pool.close(Duration::ZERO).await;
        return Err(error);
    }
    let switched = switch(shared, reference, spec, pool, readiness, stored).await;
    if owner.is_some() && shared.routes.load().function(reference).is_none() {
        // What may remain falls to nobody: see `directory::leaving`.
        if let Err(error) = directory.disown(&object).await {
            tracing::warn!(function = %reference, %error, "the grants of a function that was not deployed remain");
        }
    }
    switched
}

/// A revision that was remembered to be waiting for its first worker may not serve after all: remembers what does.
async fn unwait(shared: &Arc<Shared>, reference: &FunctionRef, number: RevisionNumber) {
    let current = shared.routes.load().function(reference).map(|function| function.current.load_full());
    match current {
        Some(current) if current.revision == number => {}
        Some(current) if !current.pool.was_ready() => {
            if let Err(error) = pending::remember(shared, reference, current.revision).await {
                tracing::warn!(function = %reference, %error, "that its workers have not been ready is not remembered");
            }
        }
        Some(_) | None => pending::settled(shared, reference, number).await,
    }
}

/// Unpacks a package and completes its settings, so that it is known which function it is and what it asks for.
pub(crate) async fn prepare(shared: &Shared, source: Source) -> Result<Prepared, DeployError> {
    let (unpacked, function, spec, warnings) = match source {
        Source::Package { package, overrides } => {
            let unpacked = shared.ports.builder.unpack(package).await?;
            let manifest = manifest::resolve(&unpacked, &overrides)?;
            (unpacked, manifest.function, manifest.spec, manifest.warnings)
        }
        Source::Spec { function, spec } => {
            let unpacked = shared.ports.builder.unpack(Package::empty(function.name.as_str())).await?;
            (unpacked, function, *spec, Vec::new())
        }
        Source::Prepared(prepared) => return Ok(*prepared),
    };
    Ok(Prepared { unpacked, function, spec: Arc::new(spec), warnings })
}

pub(crate) async fn rollback(
    shared: &Arc<Shared>,
    host: &Arc<EngineHost>,
    reference: &FunctionRef,
    to: Option<RevisionNumber>,
) -> Result<Deployed, DeployError> {
    let _guard = begin(shared, reference).await?;
    let function = existing(shared, reference)?;
    let current = function.current.load_full();
    let revisions = shared.ports.store.revisions(reference).await?;
    let revision = match to {
        Some(number) => revisions
            .into_iter()
            .find(|revision| revision.number == number)
            .ok_or_else(|| DeployError::NoRevision { function: reference.clone(), revision: number })?,
        None => revisions
            .into_iter()
            .find(|revision| revision.number < current.revision)
            .ok_or_else(|| DeployError::NothingEarlier(reference.clone()))?,
    };
    let (number, spec) = (revision.number, Arc::new(revision.spec.clone()));
    let deployed = |unchanged| Deployed {
        function: reference.clone(),
        revision: number,
        spec: spec.clone(),
        unchanged,
        warnings: Vec::new(),
    };
    if number == current.revision {
        return Ok(deployed(true));
    }
    check_addresses(shared, reference, &spec)?;
    let pool = ready_pool(shared, host, &revision, None, current.desired).await?;
    let stored = shared.ports.store.activate(reference, number, shared.now());
    switch(shared, reference, spec.clone(), pool, Readiness::Checked, stored).await?;
    Ok(deployed(false))
}

pub(crate) async fn set_desired(
    shared: &Arc<Shared>,
    reference: &FunctionRef,
    desired: FunctionState,
) -> Result<(), DeployError> {
    let _guard = begin(shared, reference).await?;
    let function = existing(shared, reference)?;
    let record = shared.ports.store.set_desired(reference, desired, shared.now()).await?;
    let current = function.current.load_full();
    function.current.store(Arc::new(Current {
        revision: current.revision,
        spec: current.spec.clone(),
        pool: current.pool.clone(),
        desired,
        updated_at: record.updated_at,
    }));
    function.desired_changed();
    Ok(())
}

pub(crate) async fn delete(shared: &Arc<Shared>, reference: &FunctionRef) -> Result<(), DeployError> {
    let _guard = begin(shared, reference).await?;
    let function = existing(shared, reference)?;
    let (directory, object) = (&shared.directory, Object::function(reference));
    let naming = directory.naming().await;
    directory.part(&naming, &object).await?;
    shared.ports.store.delete_function(reference).await?;
    if let Err(error) = directory.disown(&object).await {
        // Harmless: see `directory::leaving`.
        tracing::warn!(function = %reference, %error, "the grants of a deleted function remain");
    }
    if let Err(error) = pending::forget(shared, reference).await {
        tracing::warn!(function = %reference, %error, "a deleted function is still remembered as not ready");
    }
    replace_routes(shared, |functions| {
        functions.remove(reference);
    });
    drop(naming);
    function.stop.cancel();
    shared.cron_alarm.at(shared.now());
    let pools = function.pools();
    shared.workers.spawn(async move {
        let closing = pools.iter().map(|pool| pool.close(Duration::ZERO));
        futures_util::future::join_all(closing).await;
    });
    shared.ports.driver.forget(reference);
    Ok(())
}

/// A pool for a stored revision that starts its workers when they are needed.
pub(crate) fn pool(
    shared: &Arc<Shared>,
    host: &Arc<EngineHost>,
    revision: &RevisionRecord,
    spec: &Arc<FunctionSpec>,
) -> Arc<Pool> {
    pool_of(shared, launcher(shared, host, revision, spec.clone()), spec)
}

/// Starts the pump of a function that routes know.
pub(crate) fn start_pump(shared: &Arc<Shared>, function: &Arc<Function>) {
    shared.tasks.spawn(pump::run(shared.clone(), function.clone()));
    function.nudge();
}

fn launcher(
    shared: &Arc<Shared>,
    host: &Arc<EngineHost>,
    revision: &RevisionRecord,
    spec: Arc<FunctionSpec>,
) -> Launcher {
    Launcher::new(shared, host.clone(), revision, spec)
}

fn pool_of(shared: &Arc<Shared>, launcher: Launcher, spec: &FunctionSpec) -> Arc<Pool> {
    let config = PoolConfig {
        limits: scaling::replicas(spec, shared.config.cores),
        cost: LaunchCost::of(spec),
        idle_timeout: spec.idle_timeout,
    };
    Pool::new(launcher, config, shared.ports.clock.clone(), shared.workers.clone())
}

/// A pool whose package, when it has just been unpacked, is built.
async fn built_pool(
    shared: &Arc<Shared>,
    host: &Arc<EngineHost>,
    revision: &RevisionRecord,
    built: Option<(Unpacked, &dyn Progress)>,
) -> Result<Arc<Pool>, DeployError> {
    let spec = Arc::new(revision.spec.clone());
    let launcher = launcher(shared, host, revision, spec.clone());
    if let Some((unpacked, progress)) = built {
        launcher.prepare(unpacked, progress).await?;
    }
    Ok(pool_of(shared, launcher, &spec))
}

/// A pool with one worker ready (unless the function is not to run).
async fn ready_pool(
    shared: &Arc<Shared>,
    host: &Arc<EngineHost>,
    revision: &RevisionRecord,
    built: Option<(Unpacked, &dyn Progress)>,
    desired: FunctionState,
) -> Result<Arc<Pool>, DeployError> {
    let progress = built.as_ref().map(|(_, progress)| *progress);
    let pool = built_pool(shared, host, revision, built).await?;
    if desired == FunctionState::Active {
        if let Some(progress) = progress {
            progress.line(match revision.spec.runtime {
                Runtime::Wasm => "compiling the module, unless that was done before, and starting a worker",
                _ => "starting a worker",
            });
        }
        let started = pool.start_one().await;
        started.map_err(|error| DeployError::Launch {
            function: revision.function.clone(),
            source: LaunchError::clone(&error).said_once(),
        })?;
    }
    Ok(pool)
}

async fn begin(shared: &Arc<Shared>, reference: &FunctionRef) -> Result<tokio::sync::OwnedMutexGuard<()>, DeployError> {
    let guard = shared.deploys.lock(reference).await;
    if shared.is_stopping() { Err(DeployError::Stopping) } else { Ok(guard) }
}

fn existing(shared: &Shared, reference: &FunctionRef) -> Result<Arc<Function>, DeployError> {
    let routes = shared.routes.load();
    routes.function(reference).cloned().ok_or_else(|| DeployError::NoFunction(reference.clone()))
}

async fn newest_revision(shared: &Shared, reference: &FunctionRef) -> Result<Option<RevisionRecord>, StoreError> {
    match shared.ports.store.revisions(reference).await {
        Ok(revisions) => Ok(revisions.into_iter().next()),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
