//! The settings of a revision, as shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidemill_core::spec::{self as core, FunctionSpec, Ordering, TriggerKind};
use utoipa::ToSchema;

/// The settings of a revision, with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Spec {
    /// As in `python`, `python:3.11`, `nodejs`, `shell`, `binary`, `image`, `webhook`.
    pub runtime: String,
    /// Entry point; empty when the runtime looks for one.
    pub handler: String,
    /// Free text.
    pub description: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The workers' environment.
    pub env: Vec<EnvVar>,
    /// `sync` or `async`: how callers get their answer unless they say otherwise.
    pub call_type: String,
    /// How long an event may run; absent when there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_timeout_ms: Option<u64>,
    /// How long a deployment may take to get a worker ready.
    pub readiness_timeout_ms: u64,
    /// After how long an idle worker above the minimum is stopped.
    pub idle_timeout_ms: u64,
    /// Memory of one worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Cores of one worker, in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_millis: Option<u32>,
    /// Triggers by name.
    pub triggers: BTreeMap<String, Trigger>,
    /// Attempts of queued invocations.
    pub retry: Retry,
    /// `none` or `key`.
    pub ordering: String,
    /// The header that holds the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordering_header: Option<String>,
    /// Invocations that may be queued.
    pub queue_pending_max: u64,
    /// `none`, `failed` or `all`: what is remembered of synchronous calls.
    pub history: String,
    /// Build commands.
    pub build_commands: Vec<String>,
    /// Further requirements.
    pub build_requirements: Vec<String>,
    /// `none`, `function` or `key`: whether it has durable state, and how that is divided.
    #[serde(default)]
    pub state: String,
    /// The container that its workers run in; absent for processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// Functions that are told how it is doing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
    /// How long the logs of its invocations are kept; absent is as long as the invocations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_retention_ms: Option<u64>,
}

/// Where and how the workers of a function run when they are containers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Container {
    /// The image; empty when it is built from the package's `Dockerfile`.
    pub image: String,
    /// `run`, `worker` or `http`: how it is talked to.
    pub contract: String,
    /// `missing`, `always` or `never`: when it is pulled.
    pub pull: String,
    /// In place of the image's entry point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// In place of the image's command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The user; empty is the image's own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Folders and files of the host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Networks; `none` is no network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// Whether it has all rights of the host.
    pub privileged: bool,
    /// Processes and threads at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids_max: Option<u32>,
    /// The port of the HTTP server in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// A folder or file of the host inside a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mount {
    /// The path on the host.
    pub source: String,
    /// The path in the container.
    pub target: String,
    /// Whether the container may not write there.
    pub read_only: bool,
}

impl From<&core::Container> for Container {
    fn from(container: &core::Container) -> Container {
        let pull = match container.pull {
            core::Pull::Missing => "missing",
            core::Pull::Always => "always",
            core::Pull::Never => "never",
        };
        let mount = |mount: &core::Mount| Mount {
            source: mount.source.clone(),
            target: mount.target.clone(),
            read_only: mount.read_only,
        };
        Container {
            image: container.image.clone(),
            contract: container.contract.as_str().to_owned(),
            pull: pull.to_owned(),
            entrypoint: container.entrypoint.clone(),
            command: container.command.clone(),
            user: container.user.clone(),
            mounts: container.mounts.iter().map(mount).collect(),
            networks: container.networks.clone(),
            privileged: container.privileged,
            pids_max: container.pids_max,
            port: container.port,
        }
    }
}

/// A variable of the workers' environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trigger {
    /// `http`, `cron` or `message`.
    pub kind: String,
    /// Whether it is off.
    pub disabled: bool,
    /// Workers asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// What it listens to; the members depend on the kind.
    pub attributes: BTreeMap<String, serde_json::Value>,
}

/// Attempts and the waits between them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Retry {
    /// Attempts in all.
    pub max_attempts: u32,
    /// The wait after the first failure.
    pub initial_ms: u64,
    /// Each further wait is this many times longer.
    pub factor: f64,
    /// No wait is longer.
    pub wait_ms_max: u64,
    /// The share of a wait that chance may take off.
    pub jitter: f64,
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<&FunctionSpec> for Spec {
    fn from(spec: &FunctionSpec) -> Spec {
        let (ordering, ordering_header) = match &spec.ordering {
            Ordering::None => ("none", None),
            Ordering::Key { header } => ("key", header.clone()),
        };
        let call_type = match spec.call_type {
            core::CallType::Sync => "sync",
            core::CallType::Async => "async",
        };
        let history = match spec.history {
            core::History::None => "none",
            core::History::Failed => "failed",
            core::History::All => "all",
        };
        Spec {
            runtime: spec.runtime.to_string(),
            handler: spec.handler.clone(),
            description: spec.description.clone(),
            labels: spec.labels.clone(),
            env: spec.env.iter().map(|var| EnvVar { name: var.name.clone(), value: var.value.clone() }).collect(),
            call_type: call_type.to_owned(),
            event_timeout_ms: spec.event_timeout.map(millis),
            readiness_timeout_ms: millis(spec.readiness_timeout),
            idle_timeout_ms: millis(spec.idle_timeout),
            memory_bytes: spec.resources.memory_bytes,
            cpu_millis: spec.resources.cpu_millis,
            triggers: spec.triggers.iter().map(|(name, trigger)| (name.to_string(), trigger.into())).collect(),
            retry: Retry {
                max_attempts: spec.retry.max_attempts,
                initial_ms: millis(spec.retry.initial),
                factor: spec.retry.factor,
                wait_ms_max: millis(spec.retry.max),
                jitter: spec.retry.jitter,
            },
            ordering: ordering.to_owned(),
            ordering_header,
            queue_pending_max: spec.queue.pending_max,
            history: history.to_owned(),
            build_commands: spec.build.commands.clone(),
            build_requirements: spec.build.requirements.clone(),
            state: spec.state.as_str().to_owned(),
            container: spec.container.as_deref().map(Container::from),
            notify: spec.notify.iter().map(ToString::to_string).collect(),
            log_retention_ms: spec.log_retention.map(millis),
        }
    }
}

impl From<&core::Trigger> for Trigger {
    fn from(trigger: &core::Trigger) -> Trigger {
        let value = match &trigger.kind {
            TriggerKind::Http(http) => serde_json::to_value(http),
            TriggerKind::Cron(cron) => serde_json::to_value(cron),
            TriggerKind::Message(message) => serde_json::to_value(&message.source),
        };
        let attributes = match value {
            Ok(serde_json::Value::Object(members)) => {
                members.into_iter().filter(|(_, value)| !is_empty(value)).collect()
            }
            Ok(_) | Err(_) => BTreeMap::new(),
        };
        Trigger {
            kind: trigger.kind.as_str().to_owned(),
            disabled: trigger.disabled,
            workers: trigger.workers,
            attributes,
        }
    }
}

fn is_empty(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => true,
        serde_json::Value::String(text) => text.is_empty(),
        serde_json::Value::Array(items) => items.is_empty(),
        serde_json::Value::Object(members) => members.is_empty(),
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => false,
    }
}
