//! Frames and memory regions.
