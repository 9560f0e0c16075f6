//! What every request may use.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusHandle;
use tidemill_api::ServerInfo;
use tidemill_core::{InvocationId, ports::{InvocationDetail, StoreError}};
use tidemill_engine::Engine;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{ServerConfig, meters::Meters};

/// The state of the server.
pub(crate) struct Shared {
    /// The engine.
    pub(crate) engine: Engine,
    /// The settings.
    pub(crate) config: ServerConfig,
    /// What the server is.
    pub(crate) info: ServerInfo,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
    /// Work that goes on when its caller hangs up.
    pub(crate) tasks: TaskTracker,
    /// Metrics.
    pub(crate) meters: Meters,
    /// Renders all metrics.
    pub(crate) prometheus: PrometheusHandle,
    /// The OpenAPI document.
    pub(crate) openapi: Bytes,
}

/// [`Shared`], as handlers hold it.
pub(crate) type App = Arc<Shared>;

impl Shared {
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
