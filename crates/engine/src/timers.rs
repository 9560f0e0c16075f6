//! The timer that nudges functions when delayed invocations and next attempts become available.

use std::{sync::Arc, time::Duration};

use crate::shared::Shared;

/// The timer looks at the store at least this often, in case a nudge was lost.
const LOOK: Duration = Duration::from_secs(5);

/// Nudges the functions that have something available, whenever something becomes so.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let wait = match shared.ports.store.due(shared.now()).await {
            Ok((functions, next)) => {
                shared.nudge(&functions);
                next.map_or(LOOK, |next| next.since(shared.now()).clamp(Duration::from_millis(1), LOOK))
            }
            Err(error) => {
                tracing::warn!(%error, "the queue cannot be looked at");
                LOOK
            }
        };
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            () = shared.due_alarm.rings(shared.ports.clock.as_ref(), wait) => {}
        }
    }
}
