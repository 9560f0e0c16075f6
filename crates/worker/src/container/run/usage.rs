//! What a container uses, looked at while it runs: the counters are gone when it has ended.

use std::time::Duration;

use super::execution::Running;
use crate::container::engine::Usage;

/// Many executions are short, so the first looks come quickly.
const FIRST_WAIT: Duration = Duration::from_millis(30);
const WAIT_MAX: Duration = Duration::from_secs(1);

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
        let mut wait = FIRST_WAIT;
        loop {
            tokio::time::sleep(wait).await;
            wait = (wait * 3).min(WAIT_MAX);
            // One that ends at this moment, or an engine that is away, tells nothing.
            if let Ok(now) = running.engine.usage(running.id).await {
                let mut usage = running.usage.lock();
                *usage = merge(*usage, now);
            }
        }
    };
    tokio::select! {
        () = running.ended.cancelled() => {}
        () = work => {}
    }
}
