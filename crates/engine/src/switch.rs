//! The switch from one revision to the next: in the store, in the route table, and between their pools.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tidemill_core::{
    FunctionRecord, FunctionRef, FunctionState, RevisionNumber,
    ports::StoreError,
    spec::{Completion, FunctionSpec, StateScope},
};

use crate::{
    cron,
    deploy::start_pump,
    error::DeployError,
    function::{Current, Function},
    notices::Herald,
    pool::Pool,
    request::Readiness,
    routes::Routes,
    shared::Shared,
};

/// How long calls of the old revision may go on after a switch, at least.
const DRAIN: Duration = Duration::from_secs(60);
/// How much longer than its event timeout a call may take to end.
const LATE: Duration = Duration::from_secs(10);

/// Refuses addresses that are another function's.
pub(crate) fn check_addresses(
    shared: &Shared,
    reference: &FunctionRef,
    spec: &FunctionSpec,
) -> Result<(), DeployError> {
    let Some((_, _, http)) = spec.http() else { return Ok(()) };
    match shared.routes.load().taken(http, reference) {
        Some((path, owner)) => Err(DeployError::AddressTaken { path, owner }),
        None => Ok(()),
    }
}

/// Makes a revision the one that serves: in the store, by `stored`, and then here. Lets the former one finish.
pub(crate) async fn switch(
    shared: &Arc<Shared>,
    reference: &FunctionRef,
    spec: Arc<FunctionSpec>,
    pool: Arc<Pool>,
    readiness: Readiness,
    stored: impl Future<Output = Result<FunctionRecord, StoreError>>,
) -> Result<(), DeployError> {
    let _guard = shared.deploys.switching.lock().await;
    // Another function may have taken an address while the worker started.
    let record = match check_addresses(shared, reference, &spec) {
        Ok(()) => stored.await.map_err(DeployError::from),
        Err(error) => Err(error),
    };
    let record = match record {
        Ok(record) => record,
        Err(error) => {
            pool.close(Duration::ZERO).await;
            return Err(error);
        }
    };
    let has_schedules = cron::put_schedules(shared, reference, &spec).await;
    announce(shared, reference, record.active, &spec, &pool, readiness).await;
    if readiness == Readiness::Later {
        pool.want_first();
        pool.tend(record.desired == FunctionState::Active);
    }
    let current =
        Current { revision: record.active, spec, pool, desired: record.desired, updated_at: record.updated_at };
    let existing = shared.routes.load().function(reference).cloned();
    match existing {
        Some(function) => {
            let former = function.current.swap(Arc::new(current));
            replace_routes(shared, |_| {});
            function.retired(&former.pool);
            retire(shared, former.pool.clone(), drain_limit(&former.spec));
            function.desired_changed();
        }
        None => {
            let function = Arc::new(Function::new(reference.clone(), record.created_at, current, 0));
            replace_routes(shared, |functions| {
                functions.insert(reference.clone(), function.clone());
            });
            start_pump(shared, &function);
        }
    }
    has_schedules.map_err(DeployError::from)
}

/// Sees to it that others are told of the revision's first worker, which may be there already.
async fn announce(
    shared: &Arc<Shared>,
    reference: &FunctionRef,
    revision: RevisionNumber,
    spec: &FunctionSpec,
    pool: &Pool,
    readiness: Readiness,
) {
    if spec.notify.is_empty() && readiness == Readiness::Checked {
        return;
    }
    let herald = Herald::new(shared, reference, revision, spec);
    if pool.was_ready() {
        herald.tell(Ok(())).await;
    }
    pool.set_herald(herald);
}

/// How long executions of a former revision may go on; `None` is for as long as they take. What leaves lasting traces beyond
/// its response is not cut short.
fn drain_limit(spec: &FunctionSpec) -> Option<Duration> {
    let is_precious = spec.is_contained() || spec.state != StateScope::None || spec.completion == Completion::Run;
    match spec.event_timeout {
        Some(timeout) => Some((timeout + LATE).max(DRAIN)),
        None if is_precious => None,
        None => Some(DRAIN),
    }
}

/// Drains a pool in the background.
fn retire(shared: &Arc<Shared>, pool: Arc<Pool>, grace: Option<Duration>) {
    let grace_over = shared.grace_over.clone();
    shared.workers.spawn(async move {
        tokio::select! {
            biased;
            () = grace_over.cancelled() => {}
            () = pool.drain(grace) => {}
        }
        pool.close(Duration::from_secs(1)).await;
    });
}

/// Replaces the route table by one of the functions as `change` leaves them.
pub(crate) fn replace_routes(shared: &Shared, change: impl FnOnce(&mut BTreeMap<FunctionRef, Arc<Function>>)) {
    let _guard = shared.deploys.routes.lock();
    let mut functions = shared.routes.load().functions().clone();
    change(&mut functions);
    shared.routes.store(Arc::new(Routes::new(functions)));
}

#[cfg(test)]
mod tests {
    use tidemill_core::spec::Runtime;

    use super::*;

    #[test]
    fn only_what_is_cheap_to_repeat_is_cut_short() {
        let spec = |change: fn(&mut FunctionSpec)| {
            let mut spec = FunctionSpec::new(Runtime::Python(None));
            change(&mut spec);
            spec
        };
        let seconds = Duration::from_secs;
        for (spec, limit) in [
            (spec(|_| {}), Some(seconds(60))),
            (spec(|spec| spec.event_timeout = Some(Duration::from_secs(5))), Some(seconds(60))),
            (spec(|spec| spec.event_timeout = Some(Duration::from_secs(90))), Some(seconds(100))),
            (spec(|spec| spec.runtime = Runtime::Image), None),
            (spec(|spec| spec.container = Some(Box::default())), None),
            (spec(|spec| spec.state = StateScope::Key), None),
            (spec(|spec| spec.completion = Completion::Run), None),
        ] {
            assert_eq!(drain_limit(&spec), limit, "{spec:#?}");
        }
    }
}
