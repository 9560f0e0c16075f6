//! The durable core at work.
//!
//! The engine loads what is stored, asks `core` to decide, stores state and effects in one transaction, and then performs
//! the effects. It reaches the world through the ports of `core` only.
//!
//! ```text
//!  call   ──► pool.acquire ──► worker.call ──► reply                       nothing on this way touches the store;
//!                                                                         with state: submit and wait for the end
//!  submit ──► store.submit ──► (leased? ──► attempt) or pump
//!  pump   ──► store.claim  ──► attempt: turn in line ──► pool.acquire ──► state ──► worker.call
//!                             ──► store.settle (result, state, messages, emits, notices, ack)
//! ```
//!
//! Every task is tracked by the engine and ends with it. Losing a nudge between tasks costs latency only: `timers` looks
//! at the store itself now and then.

mod actor;
mod alarm;
mod attempt;
mod call;
mod config;
mod cron;
mod deploy;
pub mod directory;
mod emits;
mod engine;
mod error;
mod function;
mod history;
mod host;
mod image;
mod invocations;
mod large;
mod launcher;
mod leases;
mod leftovers;
mod metrics;
mod notices;
mod pace;
mod pending;
mod pool;
mod pump;
mod queued_call;
mod request;
mod retention;
mod routes;
mod shared;
pub mod shield;
mod submit;
mod switch;
mod timers;
mod turns;
mod view;
mod waiters;
mod workers;

pub use config::{EngineConfig, Ports, RetentionConfig, StartError};
pub use directory::Directory;
pub use engine::Engine;
pub use error::{CallError, DeployError, SubmitError};
pub use function::Target;
pub use request::{
    Called, DeployRequest, Deployed, Ensured, FunctionView, Prepared, Readiness, Receipt, Source, SubmitOptions,
    TopicView, WorkerStatus, WorkerView, WorkersView,
};
pub use routes::HttpRoute;
