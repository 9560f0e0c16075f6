//! Names of the headers that Tidemill reads and writes, in lower case.

/// The invocation that answered. On every response of a function.
pub const INVOCATION_ID: &str = "tidemill-invocation-id";
/// Asks for the events of one key to run one after the other.
pub const KEY: &str = "tidemill-key";
/// Asks that the event runs no earlier than after this duration, as in `90s`. Implies an asynchronous call.
pub const DELAY: &str = "tidemill-delay";
/// Asks that the event runs no earlier than at this time (RFC 3339). Implies an asynchronous call.
pub const AT: &str = "tidemill-at";
/// With the value `1`: the response carries `server-timing`.
pub const TIMING: &str = "tidemill-timing";
/// The first answer to this key is the answer to all.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// `true` on an answer given before to the same idempotency key.
pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";
/// RFC 7240: `respond-async`, `wait=N`.
pub const PREFER: &str = "prefer";
/// Asks for the function's log of this call, at this level or above.
pub const NUCLIO_LOG_LEVEL: &str = "x-nuclio-log-level";
/// The function's log of this call, a JSON array.
pub const NUCLIO_LOGS: &str = "x-nuclio-logs";
