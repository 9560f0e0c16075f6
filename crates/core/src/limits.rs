//! Bounds that hold everywhere. What an operator may change is configuration; these are not.

use std::time::Duration;

/// Bodies above this many bytes travel through shared memory to workers and lie in blobs on disk.
pub const INLINE_BODY_BYTES_MAX: usize = 64 * 1024;
/// A log line keeps at most this many bytes of its message; the rest is cut and said so.
pub const LOG_MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// An attempt keeps at most this many bytes of log messages in all.
pub const LOG_ATTEMPT_BYTES_MAX: usize = 1024 * 1024;
/// An attempt keeps at most this many log lines.
pub const LOG_ATTEMPT_LINES_MAX: usize = 10_000;
/// The largest request body of a function unless its http trigger says otherwise (Nuclio's default is 4 MiB).
pub const REQUEST_BODY_BYTES: u64 = 64 * 1024 * 1024;
/// The largest response a function may give.
pub const RESPONSE_BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The headers of a response together, names and values, in bytes.
pub const RESPONSE_HEADERS_BYTES_MAX: usize = 64 * 1024;
/// How long a call waits for a free worker unless the trigger says otherwise (Nuclio: 10 s).
pub const WORKER_AVAILABILITY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a function may wait in its queue of pending invocations before new ones are refused: the number of them.
pub const QUEUE_PENDING_MAX: u64 = 1_000_000;
/// How long a lease runs before it must be renewed.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often an invocation may be interrupted (its worker's node lost) before it is dead-lettered all the same.
pub const INTERRUPTIONS_MAX: u32 = 100;
/// How long a deployment may take to get a worker ready unless the function says otherwise (Nuclio: 120 s).
pub const READINESS_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a worker may sit idle before it is stopped, above the function's minimum.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// The largest state of an actor, in bytes of JSON.
pub const STATE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest chain of functions that call each other and wait, as far as their runtimes count.
pub const CALL_DEPTH_MAX: u32 = 16;
/// An execution sends at most so many messages.
pub const SENDS_MAX: usize = 1_000;
/// The messages of one execution together, in bytes: their bodies, headers and other texts.
pub const SENDS_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Names and values of the configs that go with a call together, in bytes.
pub const CONFIGS_BYTES_MAX: usize = 1024 * 1024;
/// An execution leaves at most so many results.
pub const RESULTS_MAX: usize = 10_000;
/// The largest datagram taken from a container's results socket, in bytes (Abaco: 131 072).
pub const RESULT_BYTES_MAX: usize = 131_072;
/// Processes and threads of a container unless it says otherwise.
pub const CONTAINER_PIDS_MAX: u32 = 512;
