//! Executions in containers of a real engine.
//!
//! The engine is that of `TIDEMILL_TEST_DOCKER` (the path of its socket), or one that `scripts/docker-engine` starts for this
//! process. It has the image `tidemill-test:busybox`, built from nothing but busybox. An engine of that script has no bridge, so
//! of networks there are only `none`, which is tested for what is missing in it, and the refusal of others.

#![cfg(feature = "docker")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;

mod adoption;
mod bench;
mod engine;
mod faults;
mod limits;
mod run;
