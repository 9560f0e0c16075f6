//! Who may do what, under which names: aliases, grants, nonces and configs of projects.
//!
//! All of it is documents of the registry, one file here a kind. Whatever depends on what was read is carried out by compare
//! and set, so that two nodes, or two requests, never undo each other; whatever belongs together is one change.
//!
//! A function is no document here: only its grants and nonces are, which go when it goes. What named it is told that it is
//! gone, see [`leaving`]: no name that somebody else takes later gets what was meant for its former holder. A name means the
//! function of that name, and an alias only where there is no such function.
//!
//! Names are given out and taken back one at a time ([`Directory::naming`]), so that nothing is made for an object that goes
//! at that moment.
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
mod leaving;
mod naming;
mod nonce;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use alias::Alias;
pub use config::{Config, NewConfig};
pub use error::{DirectoryError, NonceRefusal};
pub use naming::Functions;
pub(crate) use naming::Naming;
pub use nonce::{NONCES_MAX, NewNonce, Nonce};
use tidemill_core::ports::{Clock, Registry, Rng, Vault};

use crate::turns::Turns;

/// Aliases, grants, nonces and configs.
pub struct Directory {
    registry: Arc<dyn Registry>,
    functions: Arc<dyn Functions>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    cache: cache::Cache,
    names: tokio::sync::Mutex<()>,
    /// Uses of a nonce, by its name.
    uses: Turns<String>,
}

impl Directory {
    /// The directory that `registry` holds, for `functions`; secrets are sealed by `vault`.
    pub fn new(
        registry: Arc<dyn Registry>,
        functions: Arc<dyn Functions>,
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Directory {
        Directory {
            registry,
            functions,
            vault,
            clock,
            rng,
            cache: cache::Cache::default(),
            names: tokio::sync::Mutex::default(),
            uses: Turns::default(),
        }
    }
}
