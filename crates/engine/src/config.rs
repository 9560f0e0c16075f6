//! What an engine needs to start.

use std::{sync::Arc, time::Duration};

use tidemill_core::ports::{Builder, Clock, Driver, Registry, Rng, Store, StoreError, Vault};

/// Settings of the engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Names this node for this life of it; a restart takes another. Leases are held under it.
    pub node: String,
    /// Cores that workers may use: how many a function has unless it says otherwise.
    pub cores: u32,
    /// How long running attempts may finish when the engine stops.
    pub drain_grace: Duration,
    /// How long the past is kept.
    pub retention: RetentionConfig,
}

/// How long the past is kept.
#[derive(Clone, Copy, Debug)]
pub struct RetentionConfig {
    /// Invocations that succeeded, failed or were cancelled.
    pub finished: Duration,
    /// Dead-lettered ones.
    pub dead_lettered: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for RetentionConfig {
    fn default() -> Self {
        RetentionConfig { finished: 7 * DAY, dead_lettered: 30 * DAY }
    }
}

/// The engine's ways to the world.
#[derive(Clone)]
pub struct Ports {
    /// Durable state.
    pub store: Arc<dyn Store>,
    /// Small documents of projects: aliases, grants, configs.
    pub registry: Arc<dyn Registry>,
    /// Encryption of secrets.
    pub vault: Arc<dyn Vault>,
    /// Packages and environments.
    pub builder: Arc<dyn Builder>,
    /// Workers.
    pub driver: Arc<dyn Driver>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be read.
    #[error("the stored functions cannot be loaded: {0}")]
    Store(#[from] StoreError),
}
