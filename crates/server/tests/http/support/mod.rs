//! What the tests stand on.

mod chance;
mod raw;
mod server;
pub mod tokens;
mod worker;

use std::time::Duration;

pub use raw::{Raw, exchange};
pub use server::{TestServer, problem};
pub use worker::Gate;

/// No test waits longer for anything.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits until `check` holds.
pub async fn until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + DEADLINE;
    while !check().await {
        assert!(tokio::time::Instant::now() < end, "{what} did not come about");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
