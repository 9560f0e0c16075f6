//! Ctrl-C and SIGTERM, which mean the same, and the ends of children.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals. From its making on they no longer end the process by themselves.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Only held: where whoever started the server ignored the ends of children, nobody could ask how they ended.
    _child: Signal,
}

impl Signals {
    /// Takes over the signals.
    pub fn new() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            _child: signal(SignalKind::child())?,
        })
    }

    /// Waits for the next of either. Dropping the future loses none.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
