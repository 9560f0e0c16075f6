//! The logs of calls: the words of the core, and the clock that stamps them.

use std::time::SystemTime;

use tidemill_core::Timestamp;
pub(crate) use tidemill_core::log::{LineSplitter, LogBuffer, PieceSplitter, cut_text};

/// The time that log lines are stamped with.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}
