//! What an earlier life of the node left at the driver: executions that went on, or whose end was not told.
//!
//! The next attempt of an invocation takes over its own. There is none for an invocation that has ended, so what belongs to it
//! is let go.

use std::sync::Arc;

use tidemill_core::ports::StoreError;

use crate::shared::Shared;

/// Lets go what nobody will take over. Done once, at the start.
pub(crate) async fn release(shared: Arc<Shared>) {
    let left = tokio::select! {
        biased;
        () = shared.stop.cancelled() => return,
        left = shared.ports.driver.left() => left,
    };
    for id in left {
        let is_over = match shared.ports.store.invocation(id).await {
            Ok(detail) => detail.invocation.status.is_final(),
            // A synchronous call, which ended with its caller; or forgotten since.
            Err(StoreError::NotFound) => true,
            // It waits its time.
            Err(_) => false,
        };
        if is_over {
            shared.ports.driver.release(id);
        }
    }
}
