//! The durable core at work.
