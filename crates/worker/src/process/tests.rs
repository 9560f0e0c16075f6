//! Logs, words for ends, sizes.
