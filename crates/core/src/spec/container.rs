//! Containers: which image a function's workers run in, and how.

use serde::{Deserialize, Serialize};

/// How Tidemill and a container talk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contract {
    /// One container an execution: the event in its environment (`MSG`, `_abaco_…`), its end is the end of the execution.
    #[default]
    Run,
    /// A long-lived container that speaks the worker protocol over a socket mounted into it.
    Worker,
    /// A long-lived container with an HTTP server on `$PORT`; an event is a request.
    Http,
}

impl Contract {
    /// The word for it in `function.yaml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Contract::Run => "run",
            Contract::Worker => "worker",
            Contract::Http => "http",
        }
    }
}

/// Where Tidemill puts its own files in a container; nothing else is mounted there or below.
const RESERVED_TARGETS: [&str; 4] = ["/_tidemill", "/_abaco_results.sock", "/_abaco_binary_data", "/tidemill"];

/// Whether `target`, an absolute path in a container, is where Tidemill puts its own files.
pub fn is_reserved_target(target: &str) -> bool {
    RESERVED_TARGETS.iter().any(|own| std::path::Path::new(target).starts_with(own))
}

/// When an image is pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pull {
    /// When the engine does not have it.
    #[default]
    Missing,
    /// Each time a worker starts.
    Always,
    /// Never: the engine must have it.
    Never,
}

/// A folder or file of the host inside the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// Path on the host, absolute.
    pub source: String,
    /// Path in the container, absolute.
    pub target: String,
    /// Whether the container may not write there.
    pub read_only: bool,
}

/// Where and how the workers of a function run when they are containers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    /// The image: name with a tag or digest. Empty: it is built from the package's `Dockerfile`.
    pub image: String,
    /// How it is talked to. A function of another runtime than `image` always speaks the worker protocol.
    pub contract: Contract,
    /// When it is pulled.
    pub pull: Pull,
    /// In place of the image's entry point.
    pub entrypoint: Option<Vec<String>>,
    /// In place of the image's command.
    pub command: Option<Vec<String>>,
    /// `uid`, `uid:gid` or a name known in the image; empty is the image's own user.
    pub user: String,
    /// Folders and files of the host.
    pub mounts: Vec<Mount>,
    /// Networks beside none; empty is the engine's default network, `["none"]` is no network.
    pub networks: Vec<String>,
    /// All rights of the host. Allowed by the server's settings and the caller's role only.
    pub privileged: bool,
    /// Processes and threads at once; `None` is [`crate::limits::CONTAINER_PIDS_MAX`].
    pub pids_max: Option<u32>,
    /// The port of the HTTP server in it (`contract: http`), told to it as `PORT`; `None` is 8080.
    pub port: Option<u16>,
}
