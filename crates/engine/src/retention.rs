//! Forgets the past in small steps.

use std::{sync::Arc, time::Duration};

use tidemill_core::ports::Retention;

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
        loop {
            let now = shared.now();
            let keep = shared.config.retention;
            let retention = Retention {
                finished_before: now - keep.finished,
                dead_lettered_before: now - keep.dead_lettered,
                limit: STEP,
            };
            match shared.ports.store.prune(retention).await {
                Ok(count) if count >= u64::from(STEP) && !shared.is_stopping() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "old invocations cannot be forgotten yet");
                    break;
                }
            }
        }
    }
}
