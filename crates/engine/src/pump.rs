//! The pump of a function: takes its queued invocations under leases and starts attempts, as far as there is room.
//!
//! While workers do not start it claims nothing: what is queued waits for the next start, and uses up none of its attempts.

use std::{sync::Arc, time::Duration};

use tidemill_core::{FunctionState, limits::LEASE, ports::Claim};
use tokio::time::Instant;

use crate::{
    attempt::{self, Held},
    function::{Current, Function, Permit},
    shared::Shared,
};

/// The wait after the store refused a claim.
const REFUSED: Duration = Duration::from_secs(1);
/// At most so many invocations in one claim.
const CLAIM_MAX: u32 = 256;

/// Works until the function is deleted or the engine stops.
pub(crate) async fn run(shared: Arc<Shared>, function: Arc<Function>) {
    loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            () = function.stop.cancelled() => return,
            () = function.nudged() => {}
        }
        while !shared.is_stopping() && !function.stop.is_cancelled() {
            let current = function.current.load_full();
            if current.desired == FunctionState::Paused {
                break;
            }
            if let Some(until) = current.pool.hopeless_until() {
                tokio::select! {
                    biased;
                    () = shared.stop.cancelled() => return,
                    () = function.stop.cancelled() => return,
                    () = function.nudged() => {}
                    () = tokio::time::sleep_until(until) => {}
                }
                continue;
            }
            let goes_on = match current.spec.batch() {
                Some(batch) => claim_batch(&shared, &function, &current, batch).await,
                None => claim_singles(&shared, &function, &current).await,
            };
            if !goes_on {
                break;
            }
        }
    }
}

/// Claims what there is room for. Returns whether there may be more to claim now.
async fn claim_singles(shared: &Arc<Shared>, function: &Arc<Function>, current: &Current) -> bool {
    let (held, is_full) = claim_up_to(CLAIM_MAX, shared, function, current).await;
    for one in held {
        shared.tasks.spawn(attempt::run(shared.clone(), function.clone(), vec![one], false));
    }
    is_full
}

/// Waits for a full batch, or for as long as the first event may wait, and claims it.
async fn claim_batch(
    shared: &Arc<Shared>,
    function: &Arc<Function>,
    current: &Current,
    batch: tidemill_core::spec::Batch,
) -> bool {
    let deadline = Instant::now() + batch.timeout;
    while function.queued() < u64::from(batch.size) {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return false,
            () = function.stop.cancelled() => return false,
            () = function.nudged() => {}
            () = tokio::time::sleep_until(deadline) => break,
        }
    }
    if function.is_paused() {
        return false;
    }
    // Permits count invocations; a batch needs as many at once as it has events.
    let (held, is_full) = claim_up_to(batch.size.max(1), shared, function, current).await;
    if !held.is_empty() {
        shared.tasks.spawn(attempt::run(shared.clone(), function.clone(), held, true));
    }
    is_full
}

/// Claims at most `count`, as far as there is room. Also tells whether there may be more to claim now.
async fn claim_up_to(
    count: u32,
    shared: &Arc<Shared>,
    function: &Arc<Function>,
    current: &Current,
) -> (Vec<Held>, bool) {
    let permits = function.enter(count, current);
    let wanted = permits.len();
    if wanted == 0 {
        // The end of an attempt nudges.
        function.set_more(true);
        return (Vec::new(), false);
    }
    let held = claim(shared, function, permits).await;
    let is_full = held.len() == wanted;
    function.set_more(is_full);
    (held, is_full)
}

async fn claim(shared: &Arc<Shared>, function: &Arc<Function>, permits: Vec<Permit>) -> Vec<Held> {
    let now = shared.now();
    let claim = Claim {
        function: function.reference.clone(),
        limit: u32::try_from(permits.len()).unwrap_or(CLAIM_MAX),
        owner: shared.config.node.clone(),
        now,
        lease_until: now + LEASE,
    };
    match shared.ports.store.claim(claim).await {
        Ok(claimed) => {
            function.sub_queued(claimed.len() as u64);
            let mut permits = permits.into_iter();
            let held = claimed
                .into_iter()
                .zip(&mut permits)
                .map(|(claimed, permit)| Held { invocation: claimed.invocation, accept_commit: Duration::ZERO, permit })
                .collect();
            permits.for_each(Permit::give_back);
            held
        }
        Err(error) => {
            tracing::error!(function = %function.reference, %error, "invocations cannot be claimed yet");
            permits.into_iter().for_each(Permit::give_back);
            tokio::select! {
                biased;
                () = shared.stop.cancelled() => {}
                () = tokio::time::sleep(REFUSED) => function.nudge(),
            }
            Vec::new()
        }
    }
}
