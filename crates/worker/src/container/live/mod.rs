//! Containers that live from call to call.
//!
//! | Contract | What runs in it | How it is reached |
//! |---|---|---|
//! | `worker` | a program that speaks the worker protocol: the wrapper of Python or Node.js, a binary, or the image's own | a Unix socket and two memory files in a folder mounted at `/tidemill` |
//! | `http` | the image's own HTTP server | `$PORT` at the container's address, or the socket `$TIDEMILL_HTTP_SOCKET` where it has none |
//!
//! What a container finds:
//!
//! ```text
//! /tidemill/                 a folder of this container alone
//!   socket, to-worker, …     contract worker: see docs/worker-protocol.md
//!   http.sock                contract http: made by the server in the image, if it likes to
//!   package/                 the function's package, read-only
//!   runtime/                 the wrappers of the languages, read-only (python and nodejs)
//! ```
//!
//! [`watch::Watch`], one task a container, owns it: it reads what the container prints, sees it end, ends it when that is
//! asked for, and removes it. An engine that goes away does not matter as long as the container lives; if the container went
//! with it, its calls end as interrupted. Nobody adopts these containers after a restart of Tidemill: the survey removes them.

mod contained;
mod environment;
mod folder;
mod http;
mod launcher;
pub(super) mod prepared;
mod spoken;
mod watch;
mod worker;

pub(crate) use launcher::Live;
