//! Where things are, and who may go there. [`ALL`] lists every route of the native API with the right that it needs; a test
//! holds it against the OpenAPI document, and the server lets nobody pass to a route that is not listed.

use tidemill_core::access::Level;

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

/// The workers of a function.
pub const WORKERS: &str = "/v1/functions/{name}/workers";
/// One worker.
pub const WORKER: &str = "/v1/functions/{name}/workers/{worker}";
/// The durable state of a function that has one.
pub const STATE: &str = "/v1/functions/{name}/state";
/// The durable state of one key of a function that has one a key.
pub const KEY_STATE: &str = "/v1/functions/{name}/state/{key}";
/// The keys that have state.
pub const STATES: &str = "/v1/functions/{name}/states";
/// Makes a container image of a function.
pub const IMAGE: &str = "/v1/functions/{name}/image";
/// Takes the next result of an invocation.
pub const NEXT_RESULT: &str = "/v1/invocations/{id}/results/next";
/// Who may do what with a function.
pub const FUNCTION_GRANTS: &str = "/v1/functions/{name}/grants";
/// The nonces of a function.
pub const FUNCTION_NONCES: &str = "/v1/functions/{name}/nonces";
/// A nonce of a function.
pub const FUNCTION_NONCE: &str = "/v1/functions/{name}/nonces/{nonce}";
/// Aliases.
pub const ALIASES: &str = "/v1/aliases";
/// One alias.
pub const ALIAS: &str = "/v1/aliases/{alias}";
/// Who may do what with an alias.
pub const ALIAS_GRANTS: &str = "/v1/aliases/{alias}/grants";
/// The nonces of an alias.
pub const ALIAS_NONCES: &str = "/v1/aliases/{alias}/nonces";
/// A nonce of an alias.
pub const ALIAS_NONCE: &str = "/v1/aliases/{alias}/nonces/{nonce}";
/// Values for functions, plain or secret.
pub const CONFIGS: &str = "/v1/configs";
/// One such value.
pub const CONFIG: &str = "/v1/configs/{config}";
/// Who may do what with a config.
pub const CONFIG_GRANTS: &str = "/v1/configs/{config}/grants";

/// What somebody needs for a route on a server with authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Nothing.
    Public,
    /// Any role in the project. What is shown is what one may read; what else is needed the route itself knows.
    Member,
    /// A level on the function that the path names.
    Function(Level),
    /// A level on the function of the invocation that the path names.
    Invocation(Level),
    /// A level on the alias that the path names.
    Alias(Level),
    /// A level on the config that the path names.
    Config(Level),
    /// The role admin.
    Admin,
}

/// A route of the native API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, with its members in braces.
    pub path: &'static str,
    /// What it needs.
    pub right: Right,
}

const fn route(method: &'static str, path: &'static str, right: Right) -> Route {
    Route { method, path, right }
}

const READ: Right = Right::Function(Level::Read);
const EXECUTE: Right = Right::Function(Level::Execute);
const UPDATE: Right = Right::Function(Level::Update);

/// Every route.
pub const ALL: &[Route] = &[
    route("GET", STATUS, Right::Member),
    route("GET", FUNCTIONS, Right::Member),
    route("POST", FUNCTIONS, Right::Member),
    route("GET", FUNCTION, READ),
    route("DELETE", FUNCTION, UPDATE),
    route("POST", PAUSE, UPDATE),
    route("POST", RESUME, UPDATE),
    route("POST", ROLLBACK, UPDATE),
    route("GET", REVISIONS, READ),
    route("GET", FUNCTION_LOGS, READ),
    route("POST", INVOKE, EXECUTE),
    route("POST", INVOKE_BATCH, EXECUTE),
    route("GET", WORKERS, READ),
    route("POST", WORKERS, UPDATE),
    route("DELETE", WORKER, UPDATE),
    route("GET", STATE, READ),
    route("PUT", STATE, UPDATE),
    route("DELETE", STATE, UPDATE),
    route("GET", KEY_STATE, READ),
    route("PUT", KEY_STATE, UPDATE),
    route("DELETE", KEY_STATE, UPDATE),
    route("GET", STATES, READ),
    route("POST", IMAGE, UPDATE),
    route("GET", FUNCTION_GRANTS, READ),
    route("POST", FUNCTION_GRANTS, UPDATE),
    route("GET", FUNCTION_NONCES, UPDATE),
    route("POST", FUNCTION_NONCES, UPDATE),
    route("DELETE", FUNCTION_NONCE, UPDATE),
    route("GET", INVOCATIONS, Right::Member),
    route("GET", INVOCATION, Right::Invocation(Level::Read)),
    route("GET", RESULT, Right::Invocation(Level::Read)),
    route("GET", EVENT, Right::Invocation(Level::Read)),
    route("GET", INVOCATION_LOGS, Right::Invocation(Level::Read)),
    route("POST", NEXT_RESULT, Right::Invocation(Level::Execute)),
    route("POST", CANCEL, Right::Invocation(Level::Update)),
    route("POST", RETRY, Right::Invocation(Level::Update)),
    route("GET", QUEUES, Right::Member),
    route("GET", QUEUE, READ),
    route("POST", REDRIVE, UPDATE),
    route("POST", PURGE, UPDATE),
    route("GET", TOPICS, Right::Member),
    route("POST", TOPIC_EVENTS, Right::Member),
    route("GET", SCHEDULES, Right::Member),
    route("GET", ALIASES, Right::Member),
    route("POST", ALIASES, Right::Member),
    route("GET", ALIAS, Right::Alias(Level::Read)),
    route("PUT", ALIAS, Right::Alias(Level::Update)),
    route("DELETE", ALIAS, Right::Alias(Level::Update)),
    route("GET", ALIAS_GRANTS, Right::Alias(Level::Read)),
    route("POST", ALIAS_GRANTS, Right::Alias(Level::Update)),
    route("GET", ALIAS_NONCES, Right::Alias(Level::Update)),
    route("POST", ALIAS_NONCES, Right::Alias(Level::Update)),
    route("DELETE", ALIAS_NONCE, Right::Alias(Level::Update)),
    route("GET", CONFIGS, Right::Member),
    route("POST", CONFIGS, Right::Member),
    route("GET", CONFIG, Right::Config(Level::Read)),
    route("PUT", CONFIG, Right::Config(Level::Update)),
    route("DELETE", CONFIG, Right::Config(Level::Update)),
    route("GET", CONFIG_GRANTS, Right::Config(Level::Read)),
    route("POST", CONFIG_GRANTS, Right::Config(Level::Update)),
    route("GET", OPENAPI, Right::Public),
    route("GET", LIVEZ, Right::Public),
    route("GET", READYZ, Right::Public),
    route("GET", METRICS, Right::Admin),
];

/// What `method` at `path`, as a route writes it, needs; `None` when there is no such route. HEAD is as GET.
pub fn right(method: &str, path: &str) -> Option<Right> {
    let method = if method == "HEAD" { "GET" } else { method };
    ALL.iter().find(|route| route.path == path && route.method == method).map(|route| route.right)
}

/// The address of an invocation.
pub fn invocation(id: impl std::fmt::Display) -> String {
    format!("{INVOCATIONS}/{id}")
}
