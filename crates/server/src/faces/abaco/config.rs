//! What an operator may set.

use std::{collections::BTreeMap, time::Duration};

pub use super::case::Case;

/// Settings of the Abaco face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbacoConfig {
    /// Whether the face is there at all. Without it `/actors` is an address like any other.
    pub enabled: bool,
    /// How members of requests and answers are spelled.
    pub case: Case,
    /// What answers show as `version`.
    pub tag: String,
    /// The address by which clients and containers reach the server, as in `https://api.example.org`, unless the tenant has
    /// its own; `None` is the address that the request came to.
    pub api_server: Option<String>,
    /// Names that the field `queue` of an actor may have.
    pub queues: Vec<String>,
    /// What `token` of an actor is unless its description says otherwise. A word, as Abaco keeps it.
    pub default_token: String,
    /// Workers of an actor that does not say how many it may have; `None` is one a core.
    pub workers_max: Option<u32>,
    /// Memory of an actor that names none, as in `1g`; `None` is no limit.
    pub memory: Option<String>,
    /// Nano-CPUs of an actor that names none; `None` is no limit.
    pub cpus: Option<u64>,
    /// The user (`uid` or `uid:gid`) that containers run as unless the actor uses its image's; `None` is the image's.
    pub user: Option<String>,
    /// Whether privileged users may make privileged actors.
    pub privileged: bool,
    /// Folders of the host in each actor's container: `host:container:mode`, where `{username}`, `{tenant_id}` and `{tasdir}` stand
    /// for what they say.
    pub mounts: Vec<String>,
    /// In place of `mounts`, by tenant.
    pub tenant_mounts: BTreeMap<String, Vec<String>>,
    /// Further ones in privileged containers.
    pub privileged_mounts: Vec<String>,
    /// How long an execution may run; `None` is no limit.
    pub run_time_max: Option<Duration>,
    /// How long a worker may be idle.
    pub worker_idle: Duration,
    /// The same for actors with the hint `sync`.
    pub sync_worker_idle: Duration,
    /// How long a worker may take to become ready, its image's download included.
    pub start_timeout: Duration,
    /// Whether nonces are accepted.
    pub nonces: bool,
    /// How long logs are kept unless the actor says otherwise; `None` is as long as the executions.
    pub log_retention: Option<Duration>,
    /// The longest that an actor may ask for; `None` is no limit.
    pub log_retention_max: Option<Duration>,
    /// Characters that an execution's log shows at most.
    pub log_chars_max: usize,
    /// The largest binary message, in bytes.
    pub message_bytes_max: u64,
    /// The largest of all other bodies, in bytes.
    pub request_bytes_max: u64,
    /// Workers that a request may ask for.
    pub workers_ensured_max: u32,
}

impl Default for AbacoConfig {
    fn default() -> Self {
        AbacoConfig {
            enabled: true,
            case: Case::Camel,
            tag: env!("CARGO_PKG_VERSION").to_owned(),
            api_server: None,
            queues: vec!["default".to_owned()],
            default_token: "false".to_owned(),
            workers_max: None,
            memory: None,
            cpus: None,
            user: None,
            privileged: false,
            mounts: Vec::new(),
            tenant_mounts: BTreeMap::new(),
            privileged_mounts: Vec::new(),
            run_time_max: None,
            worker_idle: Duration::from_secs(300),
            sync_worker_idle: Duration::from_secs(600),
            start_timeout: Duration::from_secs(600),
            nonces: true,
            log_retention: None,
            log_retention_max: None,
            log_chars_max: 1_000_000,
            message_bytes_max: 64 * 1024 * 1024,
            request_bytes_max: 4 * 1024 * 1024,
            workers_ensured_max: 100,
        }
    }
}
