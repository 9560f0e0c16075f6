//! HTTP: the gateway to functions and the native API. It translates between HTTP and the engine and decides nothing.
//!
//! ```text
//!   accept ─► net::connection ─► dispatch ─┬─► gateway   functions' addresses: /f/{function}/… and triggers' own paths
//!             (limits, timeouts)           └─► api       /v1/…, /livez, /readyz, /metrics (axum)
//! ```
//!
//! **The gateway** is a bare hyper service: nothing between the connection and the engine but reading the event. A request's
//! body is read whole, within limits of size and progress, before anything runs; a request that breaks off runs nothing.
//! Once it runs, it runs to its end even if the caller hangs up ([`shield`]).
//!
//! **Bounds.** Connections (the ones above the limit are closed at once), head size and number of headers (431), time for a
//! head and between requests, body size (413), body progress (408), time for a client to take a response. All are in
//! [`ServerConfig`].
//!
//! **Errors** of ours are problem documents with a code from the closed list of `tidemill_api`. What a function answers,
//! its exceptions included, is passed on as the engine gives it.
//!
//! **Stopping.** No new connections, open requests are finished within [`ServerConfig::drain_timeout`], then what is left
//! is closed. Following a log and waiting for a result end at once.
//!
//! Nuclio's `X-nuclio-filestream-path` response header is removed and not obeyed: it would let user code read the server's files.

mod api;
mod auth;
mod cloudevents;
mod config;
mod dispatch;
mod faces;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod gateway;
mod meters;
mod net;
mod nonce;
mod refusal;
mod reply;
mod server;
mod shared;

use tidemill_engine::shield;

pub use api::openapi;
pub use auth::{Algorithm, AuthConfig, KeyConfig, Tenant, TenantConfig, TenantError, default_roles};
pub use config::ServerConfig;
pub use faces::abaco::{AbacoConfig, Case as AbacoCase, abaco_routes};
pub use meters::install_metrics;
pub use server::{BindError, Server};
pub use tidemill_api::{RuntimeInfo, ServerInfo};
