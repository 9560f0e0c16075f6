//! Runtimes and drivers: everything between a package of code and a worker that answers calls.
//!
//! Two ports of the core are implemented here. [`PackageBuilder`] unpacks packages and makes their environments, both
//! content-addressed and immutable. [`ProcessDriver`] starts workers as processes of this machine, talks to them in the
//! frames of `docs/worker-protocol.md`, watches over them and ends them.
//!
//! | Module | Purpose |
//! |---|---|
//! | `build` | packages: formats, checks, digests; interpreters; virtualenvs and `node_modules` |
//! | `protocol` | frames, their JSON, and the division of shared memory. No I/O but on the memory files |
//! | `container` | containers: the engine behind a port, one container an execution, long-lived ones, images built |
//! | `exchange` | state and messages by files, for programs that speak no protocol |
//! | `linked` | workers that speak the protocol, whatever they live in: calls, state, messages, cancel, drain, end |
//! | `process` | start, spares, limits and end of a worker process |
//! | `sandbox` | the sandbox of this machine, which workers and builds share |
//! | `shell` | the runtime that starts one process an event |
//! | `logs` | the logs of calls, and the clock that stamps them |
//! | `webhook` | the runtime that posts events to a URL |
//! | `open_calls` | the open calls of a worker without a process of its own |
//! | `socket_path` | sockets in folders with long paths |
//! | `router` | one driver in front of the others |
//!
//! Nothing here trusts a worker: each length, offset, text and number it sends is checked, and one that breaks the
//! protocol is replaced. Nothing here decides when a worker is started or which call it gets; the engine does.

mod build;
#[cfg(feature = "docker")]
mod container;
mod exchange;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod linked;
mod logs;
mod open_calls;
mod process;
mod protocol;
mod router;
mod sandbox;
mod shell;
mod socket_path;
mod webhook;

pub use build::{BuildLimits, BuilderConfig, Interpreter, PackageBuilder};
#[cfg(feature = "docker")]
pub use container::{ContainerConfig, ContainerDriver};
pub use process::{DriverConfig, ProcessDriver};
pub use router::RouterDriver;
pub use sandbox::{Sandbox, SandboxConfig, SandboxMode};
use tidemill_core::words;
pub use webhook::{WebhookConfig, WebhookDriver};
