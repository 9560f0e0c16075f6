//! Long-lived containers and images on a real engine. See `stage` for where the engine comes from.
#![cfg(feature = "docker")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod building;
mod http;
mod stage;
mod worker;
