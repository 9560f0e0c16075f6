//! Metrics of the HTTP server, and the recorder that all crates report to.

use std::sync::OnceLock;

use http::StatusCode;
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of the buckets of times, in seconds.
const SECONDS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0, 60.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the recorder for the whole process and gives the handle that renders it. Calling it again gives the same one.
///
/// Counters made before the first call report to nobody: call it before anything else is started.
pub fn install_metrics() -> PrometheusHandle {
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("seconds".to_owned()), &SECONDS)
                .expect("there are buckets");
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("metrics go to a recorder that was installed before; /metrics stays empty");
            }
            describe_counter!("tidemill_http_requests_total", "Answered requests, by part and class of status.");
            describe_histogram!("tidemill_http_request_seconds", "Time from a request's head to its response's head.");
            describe_gauge!("tidemill_http_connections", "Open connections.");
            describe_counter!(
                "tidemill_http_connections_refused_total",
                "Connections closed because there were too many."
            );
            handle
        })
        .clone()
}

/// Which part of the server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A function's address.
    Gateway,
    /// The native API.
    Api,
    /// The Abaco face.
    Abaco,
}

/// The server's own metrics. Handles are made once: looking one up costs more than counting.
pub(crate) struct Meters {
    gateway: [Counter; 5],
    api: [Counter; 5],
    abaco: [Counter; 5],
    gateway_seconds: Histogram,
    api_seconds: Histogram,
    abaco_seconds: Histogram,
    /// Open connections.
    pub(crate) connections: Gauge,
    /// Connections closed because there were too many.
    pub(crate) refused: Counter,
}

impl Meters {
    /// The handles.
    pub(crate) fn new() -> Meters {
        let by_status = |part: &'static str| {
            ["1xx", "2xx", "3xx", "4xx", "5xx"]
                .map(|class| counter!("tidemill_http_requests_total", "part" => part, "status" => class))
        };
        Meters {
            gateway: by_status("gateway"),
            api: by_status("api"),
            abaco: by_status("abaco"),
            gateway_seconds: histogram!("tidemill_http_request_seconds", "part" => "gateway"),
            api_seconds: histogram!("tidemill_http_request_seconds", "part" => "api"),
            abaco_seconds: histogram!("tidemill_http_request_seconds", "part" => "abaco"),
            connections: gauge!("tidemill_http_connections"),
            refused: counter!("tidemill_http_connections_refused_total"),
        }
    }

    /// Counts an answered request.
    pub(crate) fn answered(&self, part: Part, status: StatusCode, took: std::time::Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        let (counters, seconds) = match part {
            Part::Gateway => (&self.gateway, &self.gateway_seconds),
            Part::Api => (&self.api, &self.api_seconds),
            Part::Abaco => (&self.abaco, &self.abaco_seconds),
        };
        counters[class].increment(1);
        seconds.record(took);
    }
}
