//! What callers see of single workers, and ask of them.

use tidemill_core::{FunctionRef, InvocationId, invocation::LogLine};

use crate::{
    engine::Engine,
    error::DeployError,
    request::{Ensured, WorkerView},
};

impl Engine {
    /// The workers of a function on this node, oldest first: also those being started, and those of former revisions that
    /// finish their calls. None for an unknown function.
    pub fn workers(&self, function: &FunctionRef) -> Vec<WorkerView> {
        let pools = self.shared.routes.load().function(function).map(|function| function.pools());
        pools.into_iter().flatten().flat_map(|pool| pool.workers()).collect()
    }

    /// Sees to it that a function has at least `count` workers now, also beyond its maximum. They start in the background;
    /// idle ones end after the idle timeout as usual.
    pub async fn ensure_workers(&self, function: &FunctionRef, count: u32) -> Result<Ensured, DeployError> {
        if self.shared.is_stopping() {
            return Err(DeployError::Stopping);
        }
        let routes = self.shared.routes.load();
        let function = routes.function(function).ok_or_else(|| DeployError::NoFunction(function.clone()))?;
        Ok(function.current.load().pool.ensure(count))
    }

    /// Stops a worker: it finishes its calls and takes no more. `false` when there is no such worker.
    pub async fn stop_worker(&self, function: &FunctionRef, worker: &str) -> Result<bool, DeployError> {
        let routes = self.shared.routes.load();
        let function = routes.function(function).ok_or_else(|| DeployError::NoFunction(function.clone()))?;
        Ok(function.pools().iter().any(|pool| pool.send_away(worker)))
    }

    /// What a running attempt has printed and logged so far, as far as its worker tells. `None` when it tells nothing, or no
    /// attempt runs here.
    pub async fn live_logs(&self, id: InvocationId) -> Option<Vec<LogLine>> {
        let worker = self.shared.running.lock().get(&id).and_then(|attempt| attempt.worker.clone());
        let (worker, call) = worker?;
        worker.logs_so_far(call).await
    }
}
