//! The WebAssembly driver: functions that run inside the program itself, each event in an instance of its own.
//!
//! [`WasmDriver`] implements the driver port for the runtime `wasm`. A module is one of four kinds, found by looking at it:
//!
//! | Kind | Event | Reply |
//! |---|---|---|
//! | component of `wit/tidemill.wit` | the argument of `handle` | its result |
//! | component with `wasi:http/incoming-handler` | an HTTP request | the response |
//! | component with `wasi:cli/run` | stdin and environment | stdout |
//! | core module with `_start` | stdin and environment | stdout |
//!
//! Modules are compiled once and kept on disk under the digest of their content. An instance comes from a pool, runs one
//! event and is gone: nothing stays from one event to the next but the state that Tidemill keeps.
//!
//! A guest has no authority but what its function's settings grant: its own environment variables, folders of its package,
//! hosts. It is bounded in time, memory, tables, stack, output and handles; whatever it does, it ends its own call and
//! nothing else.
//!
//! | Module | Purpose |
//! |---|---|
//! | `engine`, `lane` | the engine, its clock, and the threads of calls that compute for long |
//! | `cache`, `sweep`, `compiler`, `programs`, `program`, `kind` | from a file to something that can be instantiated |
//! | `guest`, `limiter`, `budget`, `limits`, `streams`, `record` | one instance, its bounds and what it leaves behind |
//! | `context`, `outbound`, `hosts`, `grants` | what a guest may ask of the world |
//! | `run`, `verdict` | one event, and how it ended |
//! | `worker`, `driver` | the ports |

mod bindings;
mod budget;
mod cache;
mod compiler;
mod config;
mod context;
mod driver;
mod engine;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod grants;
mod guest;
mod hosts;
mod kind;
mod lane;
mod limiter;
mod limits;
mod outbound;
mod program;
mod programs;
mod record;
mod run;
mod streams;
mod sweep;
mod verdict;
mod worker;

pub use config::WasmConfig;
pub use driver::WasmDriver;

/// Tidemill's world, as tools that make components read it.
pub const WIT: &str = include_str!("../wit/tidemill.wit");
