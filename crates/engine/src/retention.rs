//! Forgets the past in small steps.

use std::{sync::Arc, time::Duration};

use tidemill_core::{
    FunctionRef, Timestamp,
    ports::{Retention, StoreError},
};

use crate::shared::Shared;

/// How often.
const PERIOD: Duration = Duration::from_secs(60);
/// Invocations forgotten in one transaction.
const STEP: u32 = 2_000;

/// Works until the engine stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        if let Err(error) = forget(&shared).await {
            tracing::warn!(%error, "the past cannot be forgotten yet");
        }
    }
}

async fn forget(shared: &Shared) -> Result<(), StoreError> {
    prune(shared).await?;
    for (function, before) in log_limits(shared) {
        forget_logs(shared, &function, before).await?;
    }
    Ok(())
}

/// Forgets old invocations.
async fn prune(shared: &Shared) -> Result<(), StoreError> {
    while !shared.is_stopping() {
        let (now, keep) = (shared.now(), shared.config.retention);
        let retention = Retention {
            finished_before: now - keep.finished,
            dead_lettered_before: now - keep.dead_lettered,
            limit: STEP,
        };
        if shared.ports.store.prune(retention).await? < u64::from(STEP) {
            break;
        }
    }
    Ok(())
}

/// The functions whose logs do not live as long as their invocations, and from when on they are kept.
fn log_limits(shared: &Shared) -> Vec<(FunctionRef, Timestamp)> {
    let routes = shared.routes.load();
    let limit = |reference: &FunctionRef, keep: Duration| (reference.clone(), shared.now() - keep);
    let functions = routes.functions().iter();
    functions.filter_map(|(name, function)| Some(limit(name, function.current.load().spec.log_retention?))).collect()
}

async fn forget_logs(shared: &Shared, function: &FunctionRef, before: Timestamp) -> Result<(), StoreError> {
    while !shared.is_stopping() {
        match shared.ports.store.forget_logs(function, before, STEP).await {
            Ok(count) if count >= u64::from(STEP) => {}
            // It was deleted in the meantime.
            Ok(_) | Err(StoreError::NotFound) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
