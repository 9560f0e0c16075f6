//! The words and decisions of Tidemill.
//!
//! Everything here is pure: no I/O, no async runtime, no clock, no randomness, no global. Time is an argument, chance is
//! an argument, and what a decision wants done is data that somebody else carries out. The ports at the bottom are the
//! interfaces through which the engine reaches the world.

pub mod access;
pub mod address;
pub mod configs;
pub mod event;
pub mod function;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
pub mod headers;
pub mod id;
pub mod invocation;
pub mod limits;
pub mod log;
pub mod manifest;
pub mod message;
pub mod name;
pub mod ports;
pub mod python;
pub mod reply;
pub mod retry;
pub mod scaling;
pub mod schedule;
pub mod spec;
pub mod time;
pub mod variables;
pub mod words;

pub use event::{Event, TriggerLabel};
pub use function::{FunctionRecord, FunctionState, RevisionRecord};
pub use id::{Digest, Generation, InvalidInvocationId, InvocationId, RevisionNumber};
pub use name::{FunctionName, FunctionRef, ProjectName, TopicName, TriggerName};
pub use time::Timestamp;
