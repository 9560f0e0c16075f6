//! What callers ask of invocations that are there: to wait for them, to end them, to run them again, to forget them.

use std::time::Duration;

use tidemill_core::{
    FunctionRef, InvocationId,
    ports::{CancelResult, InvocationDetail, LeaseRef, RedriveFilter, StoreError},
};

use crate::{engine::Engine, leases, notices};

impl Engine {
    /// Waits until an invocation has ended, for `timeout` at most, and returns it as it stands then.
    pub async fn wait(&self, id: InvocationId, timeout: Duration) -> Result<InvocationDetail, StoreError> {
        let store = &self.shared.ports.store;
        let ended = self.shared.waiters.register(id);
        let detail = store.invocation(id).await;
        if !detail.as_ref().is_ok_and(|detail| !detail.invocation.status.is_final()) {
            drop(ended);
            self.shared.waiters.tidy(id);
            return detail;
        }
        // Either way the store has the truth.
        let _ = tokio::time::timeout(timeout, ended).await;
        self.shared.waiters.tidy(id);
        store.invocation(id).await
    }

    /// Cancels an invocation; one that runs is ended by force.
    pub async fn cancel(&self, id: InvocationId) -> Result<CancelResult, StoreError> {
        let shared = &self.shared;
        let detail = shared.ports.store.invocation(id).await?;
        let result = shared.ports.store.cancel(id, shared.now()).await?;
        match result {
            CancelResult::Cancelled => {
                if let Some(function) = shared.routes.load().function(&detail.invocation.function) {
                    function.sub_queued(1);
                    function.nudge();
                }
                shared.waiters.ended(id);
                notices::cancelled(shared, &detail.invocation).await;
            }
            CancelResult::Requested => {
                let lease: Option<LeaseRef> = shared.running.lock().get(&id).map(|attempt| attempt.lease);
                if let Some(lease) = lease {
                    leases::end(shared, lease);
                }
            }
        }
        Ok(result)
    }

    /// Queues a finished invocation again.
    pub async fn retry(&self, id: InvocationId) -> Result<(), StoreError> {
        let reference = self.shared.ports.store.retry(id, self.shared.now()).await?;
        self.requeued(&reference, 1);
        Ok(())
    }

    /// Queues dead-lettered invocations of a function again, at most `limit`. Returns how many.
    pub async fn redrive(&self, function: &FunctionRef, limit: u32) -> Result<u64, StoreError> {
        let filter = RedriveFilter { function: function.clone(), limit };
        let count = self.shared.ports.store.redrive(filter, self.shared.now()).await?;
        self.requeued(function, count);
        Ok(count)
    }

    /// Deletes dead-lettered invocations of a function or, with `queued`, its waiting ones. Returns how many.
    pub async fn purge(&self, function: &FunctionRef, queued: bool, limit: u32) -> Result<u64, StoreError> {
        let filter = RedriveFilter { function: function.clone(), limit };
        let count = self.shared.ports.store.purge(filter, queued).await?;
        if let Some(function) = self.shared.routes.load().function(function).filter(|_| queued) {
            function.sub_queued(count);
            // The first in line of a key may be gone.
            function.nudge();
        }
        Ok(count)
    }

    fn requeued(&self, reference: &FunctionRef, count: u64) {
        if let Some(function) = self.shared.routes.load().function(reference) {
            function.add_queued(count);
            function.nudge();
        }
    }
}
