//! Watching the paths given to `tidemill up`.
//!
//! The system tells at once that something below a path changed, and because it can miss changes (network file systems,
//! exhausted watches) every path is also looked at periodically. Neither is trusted: what counts is whether the
//! fingerprint of the files that would be packed differs from the one deployed last. A burst of writes counts as one change
//! once it pauses for [`PAUSE`], or has gone on for [`BURST_MAX`].

mod fingerprint;
mod watcher;

pub use watcher::{Watched, Watcher};
