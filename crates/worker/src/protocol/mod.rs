//! The worker protocol of `docs/worker-protocol.md`: the bytes, and nothing that sends them.

pub(crate) mod arena;
pub(crate) mod configs;
pub(crate) mod frame;
pub(crate) mod incoming;
pub(crate) mod outgoing;

#[cfg(test)]
mod tests;

/// The version that both ends name.
pub(crate) const VERSION: u32 = 1;
