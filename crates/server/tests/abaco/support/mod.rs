//! What the tests stand on.

mod chance;
mod people;
mod server;
mod stage;

use std::time::Duration;

pub use people::{Person, tenants};
pub use server::{Answer, Body, TestServer};

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
