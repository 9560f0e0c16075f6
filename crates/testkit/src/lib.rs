//! What the tests of drivers share. Only tests depend on it.
//!
//! | Module | Purpose |
//! |---|---|
//! | [`calls`] | events, calls, and what their ends hold |
//! | [`host`] | answers what user code asks |
//! | [`conformance`] | the cases of `conformance/`, run on any driver |
#![expect(clippy::unwrap_used, reason = "a test may panic")]

pub mod calls;
pub mod conformance;
pub mod host;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The folder of the repository.
///
/// # Panics
///
/// It is not there.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Waits until `is_so` holds.
///
/// # Panics
///
/// It does not within a minute.
pub async fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
