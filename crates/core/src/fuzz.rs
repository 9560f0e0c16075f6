//! Doors for the fuzz targets to parsers that are private: what they read, in plain types. Behind the feature `fuzzing`.

pub use crate::manifest::fuzz::{Place, Yaml, memory_bytes, yaml};
