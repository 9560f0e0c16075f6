//! Fuzz targets: each reads bytes as somebody else might send them, and holds what comes out against its properties.
//!
//! A [`Target`] is one file in `targets/`. The same target is run in three ways:
//!
//! | Way | Inputs | By |
//! |---|---|---|
//! | `cargo test` | every seed, and every input that ever failed | `tests/replay.rs` |
//! | a short run in the pipeline | so many mutations of those, from a printed seed; the same ones each time | [`short`] |
//! | a long run | what libFuzzer finds, led by coverage | `scripts/fuzz`, `libfuzzer.rs` |
//!
//! All of them go through [`attempt`], which adds what holds for every target: no panic, no input that takes for ever, and no more
//! memory than the target's bound. The short run needs stable Rust and nothing else.

#[cfg(not(target_os = "linux"))]
compile_error!("the targets read what runs on Linux only");

pub mod attempt;
pub mod corpus;
mod input;
mod memory;
mod mutate;
mod random;
pub mod short;
mod target;
mod targets;
mod text;

pub use memory::held_peak;
pub use target::{Memory, Target, find};
pub use targets::ALL;
