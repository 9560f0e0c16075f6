//! The open calls of a worker that has no process of its own to lose: each runs as a future, and is cut by itself.

use std::{
    collections::BTreeMap,
    future::Future,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tidemill_core::{
    InvocationId,
    invocation::AttemptOutcome,
    ports::{Call, CallEnd, CallOutcome},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::words::human_duration;

struct Open {
    invocation: InvocationId,
    cut: CancellationToken,
    verdict: Option<(AttemptOutcome, String)>,
}

#[derive(Default)]
struct State {
    open: BTreeMap<u64, Open>,
    next: u64,
}

/// See the module.
#[derive(Default)]
pub(crate) struct OpenCalls {
    state: Mutex<State>,
    /// It takes no more calls.
    pub gone: CancellationToken,
    closed: Notify,
}

/// How long a call may run, and what says so, as in `its event timeout`.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub timeout: Option<Duration>,
    pub named: &'static str,
}

impl OpenCalls {
    /// Runs `work` until it ends, is cut, or has taken too long.
    pub async fn run(&self, call: &Call, limit: Limit, work: impl Future<Output = CallOutcome>) -> CallEnd {
        let started = Instant::now();
        let Some(turn) = self.enter(call.invocation) else {
            let reason = "the worker was ending when the call reached it".to_owned();
            let outcome = CallOutcome::Broken { outcome: AttemptOutcome::Interrupted, reason };
            return CallEnd::new(outcome, Vec::new(), Duration::ZERO);
        };
        let timeout = async {
            match limit.timeout {
                Some(timeout) => tokio::time::sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        let outcome = tokio::select! {
            biased;
            () = turn.cut.cancelled() => turn.verdict(),
            ended = work => ended,
            () = timeout => {
                let allowed = human_duration(limit.timeout.unwrap_or_default());
                let reason = format!("ran longer than {} of {allowed}", limit.named);
                CallOutcome::Broken { outcome: AttemptOutcome::TimedOut, reason }
            }
        };
        CallEnd::new(outcome, Vec::new(), started.elapsed())
    }

    fn enter(&self, invocation: InvocationId) -> Option<Turn<'_>> {
        let mut state = self.state.lock();
        if self.gone.is_cancelled() {
            return None;
        }
        let cut = CancellationToken::new();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, Open { invocation, cut: cut.clone(), verdict: None });
        Some(Turn { calls: self, number, cut })
    }

    /// Ends the calls that `which` picks at once, as `outcome`.
    pub fn cut(&self, outcome: AttemptOutcome, reason: &str, which: impl Fn(InvocationId) -> bool) {
        for open in self.state.lock().open.values_mut().filter(|open| which(open.invocation)) {
            open.verdict.get_or_insert((outcome, reason.to_owned()));
            open.cut.cancel();
        }
    }

    /// Takes no more calls, lets the open ones finish for `grace`, and cuts the rest as interrupted.
    pub async fn stop(&self, grace: Duration) {
        self.leave();
        if tokio::time::timeout(grace, self.all_closed()).await.is_err() {
            self.cut(AttemptOutcome::Interrupted, "the worker was stopped before the call had ended", |_| true);
            self.all_closed().await;
        }
    }

    /// Takes no more calls.
    pub fn leave(&self) {
        // Under the lock, so that none slips in afterwards.
        let _state = self.state.lock();
        self.gone.cancel();
    }

    /// Comes back when no call is open.
    pub async fn all_closed(&self) {
        loop {
            let mut closed = std::pin::pin!(self.closed.notified());
            closed.as_mut().enable();
            if self.state.lock().open.is_empty() {
                return;
            }
            closed.await;
        }
    }
}

/// A call that runs, also when its caller has left.
struct Turn<'a> {
    calls: &'a OpenCalls,
    number: u64,
    cut: CancellationToken,
}

impl Turn<'_> {
    fn verdict(&self) -> CallOutcome {
        let verdict = self.calls.state.lock().open.get_mut(&self.number).and_then(|open| open.verdict.take());
        let (outcome, reason) = verdict.unwrap_or((AttemptOutcome::Interrupted, "it was interrupted".to_owned()));
        CallOutcome::Broken { outcome, reason }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.calls.state.lock().open.remove(&self.number);
        self.calls.closed.notify_waiters();
    }
}
