//! A container with a server, as the engine of Tidemill sees it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tidemill_core::{
    InvocationId,
    invocation::{AttemptOutcome, LogLine},
    ports::{Call, CallEnd, CallOutcome, Launch, LaunchError, Place, Worker, WorkerId},
};
use tokio_util::task::TaskTracker;

use super::{
    inner::Inner,
    pool::{Address, Pool, SOCKET},
    ready::{PORT, addresses, first_ready, hint},
};
use crate::{
    container::live::{
        environment::{environment, extend},
        folder::OpenFolder,
        launcher::{Folder, HOME, Live, Started, no_folder},
        prepared::Prepared,
        watch::Watched,
    },
    linked::Leash as _,
    open_calls::Limit,
    words::human_duration,
};

/// Calls that a container takes at once.
const SLOTS: u32 = 16;
/// How long a container that was asked to end is waited for, and then one that was killed.
const END_TIME: Duration = Duration::from_secs(15);

/// Starts a container and waits until its server accepts connections.
pub(in crate::container::live) async fn launch(
    live: &Live,
    launch: Launch,
    prepared: Prepared,
) -> Result<Arc<dyn Worker>, LaunchError> {
    let until = Instant::now() + launch.spec.readiness_timeout;
    let container = launch.spec.container.as_deref().cloned().unwrap_or_default();
    let (path, name) = live.fresh().await;
    let folder = Folder::Open(OpenFolder::new(path.clone()).map_err(no_folder)?);
    let mut settings = live.settings(&launch, &prepared, &name, &folder, false).await?;
    settings.env = environment(&launch, &prepared.facts, None);
    let port = container.port.unwrap_or(PORT);
    let variables = [("PORT", port.to_string()), ("TIDEMILL_HTTP_SOCKET", format!("{HOME}/{SOCKET}"))];
    extend(&mut settings.env, variables.map(|(name, value)| (name.to_owned(), value)).into());
    let Started { watched, place, facts } = live.start(&launch, &prepared, settings, folder).await?;
    let Watched { rein, printed, ended } = watched;
    let tasks = live.shared.tasks.clone();
    let inner = Arc::new(Inner::new(launch, rein));
    tasks.spawn(inner.clone().listen(printed, ended));
    let mut guard = Guard { inner: &inner, is_over: false };

    let addresses = addresses(&container, &facts, &path);
    let pool = |address: &Address| Pool::new(address.clone(), SLOTS as usize, tasks.clone(), inner.over.clone());
    let pools = addresses.iter().map(pool).collect();
    let ready = tokio::select! {
        biased;
        () = inner.over.cancelled() => Err(None),
        pool = first_ready(pools) => Ok(pool),
        () = tokio::time::sleep_until(until.into()) => Err(Some(())),
    };
    let pool = match ready {
        Ok(pool) => pool,
        Err(is_late) => {
            drop(guard);
            let reason = match (is_late, inner.end.get()) {
                (None, Some(end)) => {
                    let (_, reason) = inner.told(end, AttemptOutcome::LaunchFailed);
                    format!("{reason}, before it accepted connections")
                }
                _ => {
                    let places: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                    let timeout = human_duration(inner.launch.spec.readiness_timeout);
                    let places = places.join(" or ");
                    format!("nothing accepted connections at {places} within {timeout}\nhint: {}", hint(&addresses))
                }
            };
            return Err(LaunchError { reason, logs: inner.spoken.end_launch() });
        }
    };
    guard.is_over = true;
    drop(guard);
    inner.spoken.end_launch();
    Ok(Arc::new(HttpWorker { inner, pool, place, tasks }))
}

/// A launch whose caller may leave at any time.
struct Guard<'a> {
    inner: &'a Arc<Inner>,
    is_over: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.inner.calls.leave();
            self.inner.rein.kill();
        }
    }
}

/// See the module. Dropping it ends the container by force.
struct HttpWorker {
    inner: Arc<Inner>,
    pool: Pool,
    place: Place,
    tasks: TaskTracker,
}

#[async_trait]
impl Worker for HttpWorker {
    fn id(&self) -> &WorkerId {
        &self.inner.launch.worker
    }

    fn slots(&self) -> u32 {
        SLOTS
    }

    async fn call(&self, call: &Call) -> CallEnd {
        let inner = &self.inner;
        let hearing = inner.spoken.open(call.invocation);
        let limit = Limit { timeout: call.timeout, named: "its event timeout" };
        let unfit = Unfit { worker: self, is_over: false };
        let mut end = inner.calls.run(call, limit, inner.answer(&self.pool, call)).await;
        let was_cut = match &end.outcome {
            CallOutcome::Broken { outcome, .. } => {
                matches!(outcome, AttemptOutcome::TimedOut | AttemptOutcome::Cancelled)
            }
            CallOutcome::Replied(_) | CallOutcome::Raised { .. } => false,
        };
        unfit.end(was_cut);
        hearing.settle(matches!(end.outcome, CallOutcome::Broken { .. })).await;
        end.logs = hearing.close();
        end
    }

    async fn logs_so_far(&self, invocation: InvocationId) -> Option<Vec<LogLine>> {
        self.inner.spoken.so_far(invocation)
    }

    fn is_alive(&self) -> bool {
        !self.inner.calls.gone.is_cancelled()
    }

    fn place(&self) -> Place {
        self.place.clone()
    }

    async fn gone(&self) {
        self.inner.calls.gone.cancelled().await;
    }

    async fn stop(&self, grace: Duration) {
        self.inner.calls.stop(grace).await;
        self.pool.clear();
        self.inner.rein.terminate();
        if tokio::time::timeout(END_TIME, self.inner.over.cancelled()).await.is_err() {
            self.inner.rein.kill();
            // An engine that is away cannot say when it is over; the reaper sees to the container.
            let _ = tokio::time::timeout(END_TIME, self.inner.over.cancelled()).await;
        }
    }

    async fn cancel(&self, invocation: InvocationId) {
        self.inner.calls.cut(AttemptOutcome::Cancelled, "it was cancelled", |open| open == invocation);
    }
}

impl Drop for HttpWorker {
    fn drop(&mut self) {
        self.inner.calls.leave();
        self.inner.rein.kill();
    }
}

/// A call whose caller may leave at any time: nobody knows then what the server goes on to do.
struct Unfit<'a> {
    worker: &'a HttpWorker,
    is_over: bool,
}

impl Unfit<'_> {
    fn end(mut self, was_cut: bool) {
        self.is_over = !was_cut;
    }
}

impl Drop for Unfit<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.worker.inner.make_unfit(&self.worker.tasks);
        }
    }
}
