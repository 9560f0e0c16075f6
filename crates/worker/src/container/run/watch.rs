//! Waiting for the end of a container.
//!
//! The wait itself is one long request. Besides, the container is looked at every few seconds, so that an engine that hangs, or
//! lost the request, is noticed. An engine that is away is asked again, for a limited time.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::{execution::Running, outcome::Cut};
use crate::container::engine::{ContainerFacts, ContainerStatus, EngineError};

/// Between two looks at a container that runs.
const LOOK_PERIOD: Duration = Duration::from_secs(5);
/// Between two questions to an engine that is away.
pub(super) const AGAIN_PERIOD: Duration = Duration::from_millis(300);
/// How long a container may take to end by itself after its event timeout (as Docker and Abaco have it).
const TIMEOUT_GRACE: Duration = Duration::from_secs(10);
/// The same after a cancellation.
const CANCEL_GRACE: Duration = Duration::from_secs(2);
/// How long the engine may take for it beyond that.
const STOP_MARGIN: Duration = Duration::from_secs(15);

/// What may end a container before its time.
pub(super) struct Bounds<'a> {
    pub deadline: Option<Instant>,
    pub cut: &'a CancellationToken,
    /// Why; asked once `cut` is cancelled.
    pub verdict: &'a (dyn Fn() -> Cut + Send + Sync),
}

/// How the wait ended.
#[derive(Debug)]
pub(super) enum Watched {
    /// The container has ended, after Tidemill did something about it or not.
    Ended(ContainerFacts, Option<Cut>),
    /// Somebody has removed the container.
    Gone(Option<Cut>),
    /// The engine stayed away, or does not tell any more, or the container does not end.
    Lost(EngineError, Option<Cut>),
    /// The worker ends, the container goes on.
    Left(Cut),
}

enum Next {
    Cut(Cut),
    Look,
}

/// Waits until the container has ended, and ends it when it is time.
pub(super) async fn watch(running: &Running<'_>, bounds: &Bounds<'_>) -> Watched {
    let mut cut: Option<Cut> = None;
    // Until when it may take to end.
    let mut end_by = None;
    let mut was_killed = false;
    let mut away: Option<Instant> = None;
    loop {
        match next(running, bounds, cut.is_none(), away.is_some()).await {
            Next::Cut(left @ Cut::Left(_)) => return Watched::Left(left),
            Next::Cut(reason) => {
                end_by = Some(Instant::now() + grace(&reason) + running.end_max);
                stop(running, &reason).await;
                cut = Some(reason);
            }
            Next::Look => {}
        }
        match running.engine.inspect(running.id).await {
            Ok(facts) if facts.status != ContainerStatus::Running => return Watched::Ended(facts, cut),
            Ok(_) => {
                away = None;
                if was_killed && end_by.is_some_and(|end_by| end_by <= Instant::now()) {
                    return Watched::Lost(EngineError::TimedOut("to end the container"), cut);
                }
                if cut.is_some() {
                    // It was to end and did not.
                    was_killed = true;
                    kill(running).await;
                }
            }
            Err(EngineError::Gone) => return Watched::Gone(cut),
            Err(
                error @ (EngineError::Unreachable { .. }
                | EngineError::TimedOut(_)
                | EngineError::Refused(_)
                | EngineError::NoImage(_)),
            ) => {
                running.note(&error);
                let since = *away.get_or_insert_with(Instant::now);
                if cut.is_some() || since.elapsed() >= running.away_max {
                    return Watched::Lost(error, cut);
                }
            }
        }
    }
}

async fn next(running: &Running<'_>, bounds: &Bounds<'_>, may_cut: bool, is_away: bool) -> Next {
    let deadline = bounds.deadline.unwrap_or_else(Instant::now);
    let wait = async {
        if is_away {
            tokio::time::sleep(AGAIN_PERIOD).await;
            Next::Look
        } else {
            match running.engine.wait(running.id).await {
                Ok(_) => Next::Look,
                Err(error) => {
                    if error.is_outage() {
                        running.note(&error);
                    }
                    // An engine that refuses at once is not asked without end.
                    tokio::time::sleep(AGAIN_PERIOD).await;
                    Next::Look
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = bounds.cut.cancelled(), if may_cut => Next::Cut((bounds.verdict)()),
        () = tokio::time::sleep_until(deadline.into()), if may_cut && bounds.deadline.is_some() => Next::Cut(Cut::TimedOut),
        waited = wait => waited,
        () = tokio::time::sleep(LOOK_PERIOD) => Next::Look,
    }
}

/// How long it may take to end by itself.
fn grace(cut: &Cut) -> Duration {
    match cut {
        Cut::TimedOut => TIMEOUT_GRACE,
        Cut::Cancelled => CANCEL_GRACE,
        Cut::Stopped(_) | Cut::Left(_) => Duration::ZERO,
    }
}

/// Notes whether the engine is about to stop: one that does ends its containers first.
pub(super) async fn look_at_engine(running: &Running<'_>) {
    let began = Instant::now();
    loop {
        let version = tokio::time::timeout(running.look_time, running.engine.version());
        if !matches!(version.await, Ok(Ok(_) | Err(EngineError::Refused(_)))) {
            running.had_restart.store(true, Ordering::Relaxed);
            return;
        }
        if began.elapsed() >= running.look_time {
            return;
        }
        tokio::time::sleep(AGAIN_PERIOD.min(running.look_time)).await;
    }
}

async fn kill(running: &Running<'_>) {
    let killed = tokio::time::timeout(STOP_MARGIN, running.engine.kill(running.id)).await;
    if !matches!(killed, Ok(Ok(()))) {
        tracing::debug!(container = %running.id, ?killed, "a container was not killed");
    }
}

async fn stop(running: &Running<'_>, cut: &Cut) {
    let grace = grace(cut);
    if grace.is_zero() {
        return kill(running).await;
    }
    let stop = running.engine.stop(running.id, grace);
    match tokio::time::timeout(grace + STOP_MARGIN, stop).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, container = %running.id, "a container was not stopped"),
        Err(_) => tracing::debug!(container = %running.id, "a container was not stopped in time"),
    }
}
