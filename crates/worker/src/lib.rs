//! Runtimes and drivers.
