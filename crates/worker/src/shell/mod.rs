//! The shell runtime: one process an event, no protocol.
//!
//! The body is the program's stdin, the event's facts and headers are its environment, stdout is the response, lines on
//! stderr are the log, and an exit code other than 0 is a failure. Arguments are words, never parsed by a shell. Whatever
//! the program leaves running in its process group ends with it. State, messages and configs go by the files of
//! [`crate::exchange`]; the former two count when it ends with 0.

mod run;
mod worker;

pub(crate) use worker::ShellWorker;

#[cfg(test)]
mod tests;
