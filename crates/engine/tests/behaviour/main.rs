//! What the engine promises, a test each: the real engine on the store's fake, workers that do as the test says, and the
//! runtime's own time, which passes only while everybody waits.

mod actor_calls;
mod batch;
mod chain;
mod completion;
mod configs;
mod cron;
mod deploy;
#[path = "../fake/mod.rs"]
mod fake;
mod keys;
mod leases;
mod lifecycle;
mod mill;
mod named_workers;
mod notices;
mod ownership;
mod queue;
mod readiness;
mod retention;
mod retrying;
mod sends;
mod shutdown;
mod stage;
mod state;
mod sync;
mod timings;
mod update;
mod workers;
