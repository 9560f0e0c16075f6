//! What a container uses, looked at while it runs: the counters are gone when it has ended.

use std::time::Duration;

use super::execution::Running;
use crate::container::engine::Usage;

const FIRST_LOOK: Duration = Duration::from_millis(50);
const PERIOD: Duration = Duration::from_secs(1);

/// The counters grow, so the last look counts; memory is the largest seen.
fn merge(so_far: Usage, now: Usage) -> Usage {
    Usage {
        cpu_ns: so_far.cpu_ns.max(now.cpu_ns),
        io_bytes: so_far.io_bytes.max(now.io_bytes),
        memory_bytes: so_far.memory_bytes.max(now.memory_bytes),
    }
}

/// Looks now and then until the container has ended.
pub(super) async fn sample(running: &Running<'_>) {
    let work = async {
        tokio::time::sleep(FIRST_LOOK).await;
        loop {
            // One that ends at this moment, or an engine that is away, tells nothing.
            if let Ok(now) = running.engine.usage(running.id).await {
                let mut usage = running.usage.lock();
                *usage = merge(*usage, now);
            }
            tokio::time::sleep(PERIOD).await;
        }
    };
    tokio::select! {
        () = running.ended.cancelled() => {}
        () = work => {}
    }
}
