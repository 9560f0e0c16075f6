//! Who may do what, under which names: aliases, grants, nonces and configs of projects.
//!
//! All of it is documents of the registry, one file here a kind. Whatever depends on what was read is carried out by compare
//! and set, so that two nodes, or two requests, never undo each other; whatever belongs together is one change.
//!
//! A function is no document here: only its grants and nonces are, which go when it goes. An alias may dangle.
//!
//! The configs of a function are asked for at each of its executions, the grants of an object at each request; they are read
//! once and kept until anything that they depend on changes here. One node is assumed to make the changes; those of
//! another are seen a little later.

mod alias;
mod cache;
mod config;
mod entries;
mod error;
mod grants;
mod nonce;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use alias::Alias;
pub use config::{Config, NewConfig};
pub use error::{DirectoryError, NonceRefusal};
pub use nonce::{NewNonce, Nonce};
use tidemill_core::ports::{Clock, Registry, Rng, Vault};

/// Aliases, grants, nonces and configs.
pub struct Directory {
    registry: Arc<dyn Registry>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    cache: cache::Cache,
}

impl Directory {
    /// The directory that `registry` holds; secrets are sealed by `vault`.
    pub fn new(
        registry: Arc<dyn Registry>,
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Directory {
        Directory { registry, vault, clock, rng, cache: cache::Cache::default() }
    }
}
