//! Waiting for something to become true, with a deadline.

use std::{future::Future, time::Duration};

use anyhow::bail;
use tokio::time::Instant;

/// Asks `look` again and again until it gives a value. The error names `what` and the last `Err` of `look`.
pub async fn until<T, F, Fut>(what: &str, deadline: Duration, mut look: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = anyhow::Result<T>>,
{
    let end = Instant::now() + deadline;
    loop {
        match look().await {
            Ok(value) => return Ok(value),
            Err(reason) if Instant::now() >= end => bail!("{what}: not within {deadline:?}: {reason:#}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
}
