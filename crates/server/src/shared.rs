//! What every request may use.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusHandle;
use tidemill_api::ServerInfo;
use tidemill_core::{
    InvocationId,
    ports::{InvocationDetail, StoreError},
};
use tidemill_engine::Engine;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{ServerConfig, auth::Authenticator, meters::Meters, net, refusal::Refusal};

/// The state of the server.
pub(crate) struct Shared {
    /// The engine.
    pub(crate) engine: Engine,
    /// Who makes requests.
    pub(crate) auth: Authenticator,
    /// The settings.
    pub(crate) config: ServerConfig,
    /// What the server is.
    pub(crate) info: ServerInfo,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
    /// Work that goes on when its caller hangs up.
    pub(crate) tasks: TaskTracker,
    /// Memory for the bodies of requests.
    pub(crate) incoming: net::Room,
    /// Memory for the bodies of responses.
    pub(crate) outgoing: net::Room,
    /// Held while a stored body is read and has no room yet: how large it is shows only then.
    pub(crate) reading: Semaphore,
    /// Metrics.
    pub(crate) meters: Meters,
    /// Renders all metrics.
    pub(crate) prometheus: PrometheusHandle,
    /// The OpenAPI document.
    pub(crate) openapi: Bytes,
}

/// [`Shared`], as handlers hold it.
pub(crate) type App = Arc<Shared>;

/// What is read and thrown away of a body that was refused, so that the peer gets to read why.
const DISCARD_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// For how long.
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);

/// How long a stored body waits for room on its way to a client.
const ROOM_PATIENCE: Duration = Duration::from_secs(10);
/// Stored bodies read at once that have no room yet.
pub(crate) const READING_MAX: usize = 2;

impl Shared {
    /// Reads and throws away the rest of a body that was refused, beside the answer.
    pub(crate) fn discard<B>(&self, body: B)
    where
        B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Send,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(net::discard(body, DISCARD_BYTES_MAX, DISCARD_TIME_MAX)).await;
        });
    }

    /// Reads a stored body with `read`, which gives it as part of something, and finds room for it.
    pub(crate) async fn stored<T>(
        &self,
        read: impl Future<Output = Result<T, Refusal>>,
        body: impl FnOnce(&mut T) -> &mut Bytes,
    ) -> Result<T, Refusal> {
        let _turn = self.reading.acquire().await;
        let mut whole = read.await?;
        let body = body(&mut whole);
        let size = body.len() as u64;
        if size > net::FREE_BYTES {
            let taken = self.outgoing.take(size, ROOM_PATIENCE).await.ok_or_else(Refusal::no_room)?;
            *body = taken.hold(std::mem::take(body));
        }
        Ok(whole)
    }

    /// Whether requests are taken.
    pub(crate) fn is_ready(&self) -> bool {
        self.engine.is_ready() && !self.stop.is_cancelled()
    }

    /// Waits until an invocation has ended, for no longer than `timeout` and the configured maximum, nor beyond the stop of the
    /// server; gives it as it stands then.
    pub(crate) async fn wait(&self, id: InvocationId, timeout: Duration) -> Result<InvocationDetail, StoreError> {
        let timeout = timeout.min(self.config.wait_max);
        if !timeout.is_zero() {
            tokio::select! {
                biased;
                detail = self.engine.wait(id, timeout) => return detail,
                () = self.stop.cancelled() => {}
            }
        }
        self.engine.store().invocation(id).await
    }
}
