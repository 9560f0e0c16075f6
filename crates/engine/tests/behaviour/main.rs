//! What the engine promises, a test each: the real engine on the store's fake, workers that do as the test says, and the
//! runtime's own time, which passes only while everybody waits.

mod batch;
mod chain;
mod cron;
mod deploy;
#[path = "../fake/mod.rs"]
mod fake;
mod keys;
mod leases;
mod lifecycle;
mod mill;
mod queue;
mod retrying;
mod shutdown;
mod stage;
mod sync;
mod timings;
mod workers;
