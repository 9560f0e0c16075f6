//! Where things are. [`ALL`] lists every route of the native API; a test holds it against the OpenAPI document.

/// What this server is and how it is doing.
pub const STATUS: &str = "/v1/status";
/// Functions.
pub const FUNCTIONS: &str = "/v1/functions";
/// One function.
pub const FUNCTION: &str = "/v1/functions/{name}";
/// Stops running events of a function; its queue keeps accepting.
pub const PAUSE: &str = "/v1/functions/{name}/pause";
/// The opposite of pause.
pub const RESUME: &str = "/v1/functions/{name}/resume";
/// Makes an earlier revision the active one.
pub const ROLLBACK: &str = "/v1/functions/{name}/rollback";
/// The revisions of a function.
pub const REVISIONS: &str = "/v1/functions/{name}/revisions";
/// What a function printed and logged.
pub const FUNCTION_LOGS: &str = "/v1/functions/{name}/logs";
/// Invokes a function by name.
pub const INVOKE: &str = "/v1/functions/{name}/invocations";
/// Invokes a function many times.
pub const INVOKE_BATCH: &str = "/v1/functions/{name}/invocations/batch";
/// Invocations.
pub const INVOCATIONS: &str = "/v1/invocations";
/// One invocation.
pub const INVOCATION: &str = "/v1/invocations/{id}";
/// The response of an invocation, as the function gave it.
pub const RESULT: &str = "/v1/invocations/{id}/result";
/// The body of an invocation's event.
pub const EVENT: &str = "/v1/invocations/{id}/event";
/// The log of an invocation.
pub const INVOCATION_LOGS: &str = "/v1/invocations/{id}/logs";
/// Cancels an invocation.
pub const CANCEL: &str = "/v1/invocations/{id}/cancel";
/// Runs a finished invocation again.
pub const RETRY: &str = "/v1/invocations/{id}/retry";
/// Queue depths.
pub const QUEUES: &str = "/v1/queues";
/// One queue.
pub const QUEUE: &str = "/v1/queues/{function}";
/// Queues dead-lettered invocations again.
pub const REDRIVE: &str = "/v1/queues/{function}/redrive";
/// Deletes dead-lettered or waiting invocations.
pub const PURGE: &str = "/v1/queues/{function}/purge";
/// Topics and who listens to them.
pub const TOPICS: &str = "/v1/topics";
/// Publishes to a topic.
pub const TOPIC_EVENTS: &str = "/v1/topics/{topic}/events";
/// Schedules and their next runs.
pub const SCHEDULES: &str = "/v1/schedules";
/// The OpenAPI document.
pub const OPENAPI: &str = "/v1/openapi.json";
/// Whether the process lives.
pub const LIVEZ: &str = "/livez";
/// Whether it can serve.
pub const READYZ: &str = "/readyz";
/// Metrics in Prometheus' text form.
pub const METRICS: &str = "/metrics";

/// Every route, as method and path.
pub const ALL: &[(&str, &str)] = &[
    ("GET", STATUS),
    ("GET", FUNCTIONS),
    ("POST", FUNCTIONS),
    ("GET", FUNCTION),
    ("DELETE", FUNCTION),
    ("POST", PAUSE),
    ("POST", RESUME),
    ("POST", ROLLBACK),
    ("GET", REVISIONS),
    ("GET", FUNCTION_LOGS),
    ("POST", INVOKE),
    ("POST", INVOKE_BATCH),
    ("GET", INVOCATIONS),
    ("GET", INVOCATION),
    ("GET", RESULT),
    ("GET", EVENT),
    ("GET", INVOCATION_LOGS),
    ("POST", CANCEL),
    ("POST", RETRY),
    ("GET", QUEUES),
    ("GET", QUEUE),
    ("POST", REDRIVE),
    ("POST", PURGE),
    ("GET", TOPICS),
    ("POST", TOPIC_EVENTS),
    ("GET", SCHEDULES),
    ("GET", OPENAPI),
    ("GET", LIVEZ),
    ("GET", READYZ),
    ("GET", METRICS),
];

/// The address of an invocation.
pub fn invocation(id: impl std::fmt::Display) -> String {
    format!("{INVOCATIONS}/{id}")
}
