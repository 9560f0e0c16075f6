//! Keeps this node's leases alive and puts back those that ran out.

use std::{sync::Arc, time::Duration};

use tidemill_core::{
    limits::{INTERRUPTIONS_MAX, LEASE},
    ports::LeaseRef,
};

use crate::shared::Shared;

/// Leases are renewed this often: two renewals may fail before one runs out.
const RENEW: Duration = Duration::from_secs(LEASE.as_secs() / 3);

/// Works until the last attempt has ended after the engine's stop.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            biased;
            () = shared.abort.cancelled() => return,
            () = tokio::time::sleep(RENEW) => {}
        }
        // Renewing comes first: after a long pause of the whole process our own leases may just have run out.
        if !renew(&shared).await {
            // Whose leases are not renewed must not put back what it still runs.
            continue;
        }
        match shared.ports.store.expire(shared.now(), None, INTERRUPTIONS_MAX).await {
            Ok(functions) => shared.nudge(&functions),
            Err(error) => tracing::warn!(%error, "leases that ran out cannot be put back yet"),
        }
    }
}

/// Returns whether our leases are alive.
async fn renew(shared: &Shared) -> bool {
    let leases: Vec<LeaseRef> = shared.running.lock().values().map(|attempt| attempt.lease).collect();
    if leases.is_empty() {
        return true;
    }
    match shared.ports.store.renew(leases, shared.now() + LEASE).await {
        Ok(lost) => {
            for lease in lost {
                end(shared, lease);
            }
            true
        }
        Err(error) => {
            tracing::warn!(%error, "leases cannot be renewed yet");
            false
        }
    }
}

/// Ends an attempt of ours: its lease is lost, or somebody cancelled it. Does not wait until its call has ended, which may
/// take a worker its time.
pub(crate) fn end(shared: &Shared, lease: LeaseRef) {
    let (token, worker) = match shared.running.lock().get_mut(&lease.id) {
        Some(attempt) if attempt.lease == lease => {
            attempt.is_unwanted = true;
            (attempt.cancelled.clone(), attempt.worker.clone())
        }
        _ => return,
    };
    token.cancel();
    if let Some((worker, call)) = worker {
        shared.tasks.spawn(async move { worker.cancel(call).await });
    }
}
