//! The composition root: store, workers, engine and HTTP server put together in one process.
//!
//! ```text
//!   start:  address allowed? ─► store ─► builder, driver ─► engine ─► listener
//!   stop:   listener (open requests finish) ─► engine (claims nothing, drains, gives leases back) ─► store
//! ```
//!
//! The first ctrl-C or SIGTERM stops in this order, within the grace of the settings; a second one leaves at once, and
//! what ran is then interrupted and runs again after the next start.

mod access;
mod drivers;
mod listen;
mod secrets;
mod signals;
mod start;
mod stop;

use std::{future::Future, net::SocketAddr, pin::pin};

use tidemill_engine::Engine;
use tidemill_server::Server;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use signals::Signals;

/// A node that has started and listens.
pub struct Node {
    engine: Engine,
    server: Server,
    address: SocketAddr,
    signals: Signals,
    grace: std::time::Duration,
}

impl Node {
    /// Its engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The address of its server, as in `http://127.0.0.1:7070`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The line that says where it listens. Programs read it to learn the port, so it is always the first one printed.
    pub fn greeting(&self) -> String {
        format!("Tidemill is listening on {}", self.url())
    }

    /// Serves until a signal says stop, doing `beside` meanwhile, then stops in order.
    pub async fn serve(mut self, beside: impl Future<Output = ()>) -> Result<(), Failure> {
        let stop = CancellationToken::new();
        let serving = tokio::spawn(self.server.run(stop.clone()));
        {
            let mut beside = pin!(beside);
            let mut is_done = false;
            loop {
                tokio::select! {
                    biased;
                    () = self.signals.next() => break,
                    () = &mut beside, if !is_done => is_done = true,
                }
            }
        }
        stop::announce(&self.engine, self.grace);
        let drain = stop::drain(&self.engine, serving, &stop);
        tokio::select! {
            biased;
            () = drain => Ok(()),
            () = self.signals.next() => Err(stop::left_at_once()),
        }
    }
}
