//! The Abaco face: the REST interface of Abaco 1.9 at `/actors…`, translated.
//!
//! An actor is a function named by the actor's id, with the image as its container; an execution is an invocation; the
//! mailbox is the function's queue. State, workers, grants, nonces, aliases and configs are those of the engine. What only the
//! face knows of an actor ([`record`]) is an entry of the registry beside its function; [`reconcile`] sees to it that
//! neither stays without the other.
//!
//! ```text
//!  request ─► routes (one table) ─► who (token, else nonce) ─► what the path names ─► may they? ─► body ─► endpoint
//!             404, 405, OPTIONS      400                       404 or 400             400
//! ```
//!
//! `docs/abaco.md` says for users how the face behaves, and what differs from Abaco.

mod actor;
mod actors;
mod aliases;
mod authorize;
mod body;
mod case;
mod config;
mod configs;
mod cron;
mod definition;
mod envelope;
mod exchange;
mod executions;
mod fields;
mod finder;
mod going;
mod ids;
mod linking;
mod links;
mod logs;
mod messages;
mod naming;
mod nonces;
mod permissions;
mod python;
pub(crate) mod reconcile;
mod record;
mod resources;
mod results;
mod routes;
mod search;
mod serve;
mod spec;
mod state;
mod times;
mod usage;
mod words;
mod workers;

pub use config::{AbacoConfig, Case};
#[cfg(feature = "fuzzing")]
pub(crate) use python::printed;
pub(crate) use serve::{handle, is_ours};

/// The verbs and paths of the face, parts in braces standing for one part of any text.
pub fn abaco_routes() -> Vec<(&'static str, &'static str)> {
    routes::TABLE.iter().map(|row| (row.verb.as_str(), row.path)).collect()
}
