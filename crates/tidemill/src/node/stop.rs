//! Stopping.

use std::time::Duration;

use tidemill_engine::Engine;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    failure::{Exit, Failure},
    output,
};

/// Tells the person at the terminal what is waited for.
pub fn announce(engine: &Engine, grace: Duration) {
    let (count, verb) = match engine.active_calls() {
        0 => return output::note("\nStopping."),
        1 => ("1 call".to_owned(), "is"),
        count => (format!("{count} calls"), "are"),
    };
    output::note(format!(
        "\nStopping: {count} {verb} still running, for {} at most. Press ctrl-C again to leave at once.",
        output::exact(u64::try_from(grace.as_millis()).unwrap_or(u64::MAX))
    ));
}

/// Stops the listener, lets open requests finish, then stops the engine.
pub async fn drain<T>(engine: &Engine, serving: JoinHandle<T>, stop: &CancellationToken) {
    stop.cancel();
    if let Err(error) = serving.await {
        tracing::error!(%error, "the HTTP server did not end as it should");
    }
    engine.shutdown().await;
    tracing::info!("stopped");
}

/// The end by a second signal.
pub fn left_at_once() -> Failure {
    let message = "left at once; what was running is interrupted and runs again after the next start".to_owned();
    Failure { exit: Exit::Interrupted, message, hints: Vec::new() }
}
