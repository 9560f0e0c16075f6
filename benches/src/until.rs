//! Waiting for a state before something is measured.

use std::{future::Future, time::Duration};

use anyhow::bail;
use tokio::time::{Instant, sleep};

use crate::process;

const DEADLINE: Duration = Duration::from_secs(120);

/// Asks `look` again and again until it succeeds.
pub async fn until<T, F, Fut>(what: &str, mut look: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = anyhow::Result<T>>,
{
    let end = Instant::now() + DEADLINE;
    loop {
        match look().await {
            Ok(value) => return Ok(value),
            Err(reason) if Instant::now() >= end => bail!("{what}: not within {DEADLINE:?}: {reason:#}"),
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Waits until a process and its descendants have used next to no processor time for a quarter of a second.
pub async fn until_quiet(root: u32) {
    until_all_quiet(&[root]).await;
}

/// The same for several processes together.
pub async fn until_all_quiet(roots: &[u32]) {
    let used = || roots.iter().map(|root| process::cpu_time(*root)).sum::<Duration>();
    let end = Instant::now() + DEADLINE;
    let mut before = used();
    while Instant::now() < end {
        sleep(Duration::from_millis(250)).await;
        let now = used();
        if now.saturating_sub(before) <= Duration::from_millis(10) {
            return;
        }
        before = now;
    }
}
