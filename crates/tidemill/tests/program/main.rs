//! The program from outside: what it prints, how it exits, and that it serves.

mod access;
mod actors;
mod harness;
mod serving;
mod surface;
mod usage;
#[cfg(feature = "wasm")]
mod wasm;
