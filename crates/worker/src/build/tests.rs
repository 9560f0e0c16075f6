//! Archives, names, inline configurations.
