//! The whole of a function's settings.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Build, CallType, Completion, Container, History, Ordering, QueueLimits, Replicas, Resources, Runtime, Sandbox,
    StateScope, Trigger, TriggerKind,
};
use crate::{
    event::Event,
    limits,
    name::{FunctionName, TriggerName},
    retry::RetryPolicy,
};

/// The version of the stored form of [`FunctionSpec`].
pub const FORMAT: u32 = 1;

/// A variable of the worker's environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The settings of a revision: complete, checked, with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionSpec {
    /// Version of this form, see [`FORMAT`].
    pub format: u32,
    /// Free text.
    pub description: String,
    /// Labels of the metadata.
    pub labels: BTreeMap<String, String>,
    /// The language environment.
    pub runtime: Runtime,
    /// Entry point; its form depends on the runtime. May be empty: the runtime then looks for one.
    pub handler: String,
    /// Not to be run (`disable: true`): deployed in the paused state.
    pub disable: bool,
    /// Environment variables.
    pub env: Vec<EnvVar>,
    /// Build steps.
    pub build: Build,
    /// Limits of one worker.
    pub resources: Resources,
    /// What its workers may reach, where they are processes of this machine.
    #[serde(default)]
    pub sandbox: Sandbox,
    /// `minReplicas`, when given.
    pub min_replicas: Option<u32>,
    /// `maxReplicas`, when given.
    pub max_replicas: Option<u32>,
    /// How long an event may run; `None` is no limit.
    pub event_timeout: Option<Duration>,
    /// How long a deployment may take to get a worker ready.
    pub readiness_timeout: Duration,
    /// An idle worker above the minimum is stopped after this.
    pub idle_timeout: Duration,
    /// Triggers by name. At most one is `http`.
    pub triggers: BTreeMap<TriggerName, Trigger>,
    /// Free settings of the runtime (`arguments`, `responseHeaders` of shell).
    pub runtime_attributes: BTreeMap<String, serde_json::Value>,
    /// How callers get their answer.
    pub call_type: CallType,
    /// Attempts of queued invocations.
    pub retry: RetryPolicy,
    /// Order of queued invocations.
    pub ordering: Ordering,
    /// Bounds of the queue.
    pub queue: QueueLimits,
    /// What is remembered of synchronous calls.
    pub history: History,
    /// Durable state.
    #[serde(default)]
    pub state: StateScope,
    /// The container that its workers run in; `None` for processes of this machine.
    #[serde(default)]
    pub container: Option<Box<Container>>,
    /// Functions of the project that are told, by an event each, when workers become ready or fail to, and when an
    /// execution ends.
    #[serde(default)]
    pub notify: Vec<FunctionName>,
    /// What makes an execution complete.
    #[serde(default)]
    pub completion: Completion,
    /// How long the logs of its invocations are kept; `None` is as long as the invocations.
    #[serde(default)]
    pub log_retention: Option<Duration>,
}

impl FunctionSpec {
    /// A spec for `runtime` with every default: one http trigger, synchronous.
    pub fn new(runtime: Runtime) -> FunctionSpec {
        FunctionSpec {
            format: FORMAT,
            description: String::new(),
            labels: BTreeMap::new(),
            runtime,
            handler: String::new(),
            disable: false,
            env: Vec::new(),
            build: Build::default(),
            resources: Resources::default(),
            sandbox: Sandbox::default(),
            min_replicas: None,
            max_replicas: None,
            event_timeout: None,
            readiness_timeout: limits::READINESS_TIMEOUT,
            idle_timeout: limits::IDLE_TIMEOUT,
            triggers: BTreeMap::new(),
            runtime_attributes: BTreeMap::new(),
            call_type: CallType::default(),
            retry: RetryPolicy::default(),
            ordering: Ordering::default(),
            queue: QueueLimits::default(),
            history: History::default(),
            state: StateScope::None,
            container: None,
            notify: Vec::new(),
            completion: Completion::default(),
            log_retention: None,
        }
    }

    /// The line that an event stands in: events of one line run one after the other, in the order they came. `None` runs at
    /// any time. For a function with state it also names the state.
    pub fn line(&self, event: &Event) -> Option<String> {
        match self.state {
            StateScope::None => self.ordering.key(event),
            StateScope::Function => Some(String::new()),
            StateScope::Key => match self.ordering.key(event) {
                None => Ordering::Key { header: None }.key(event),
                key => key,
            },
        }
    }

    /// Whether workers are containers.
    pub fn is_contained(&self) -> bool {
        self.container.is_some() || self.runtime == Runtime::Image
    }

    /// The http trigger that is on, with its name. A function without one has no address.
    pub fn http(&self) -> Option<(&TriggerName, &Trigger, &super::HttpTrigger)> {
        self.triggers.iter().find_map(|(name, trigger)| match &trigger.kind {
            TriggerKind::Http(http) if !trigger.disabled => Some((name, trigger, http.as_ref())),
            _ => None,
        })
    }

    /// How many workers it has on a node of `cores` cores.
    ///
    /// Nuclio runs `numWorkers` workers in each replica. One process is one worker here, so the two multiply; with neither
    /// given there is up to one worker a core, and none while idle.
    pub fn workers(&self, cores: u32) -> Replicas {
        let per_replica = self.triggers.values().filter(|trigger| !trigger.disabled).filter_map(|t| t.workers).max();
        let max = match (self.max_replicas, per_replica) {
            (Some(replicas), workers) => replicas.saturating_mul(workers.unwrap_or(1)),
            (None, Some(workers)) => workers,
            (None, None) => cores,
        };
        let max = max.max(1);
        let min = self.min_replicas.unwrap_or(0).saturating_mul(per_replica.unwrap_or(1)).min(max);
        Replicas { min, max }
    }

    /// How long a call waits for a free worker.
    pub fn worker_availability_timeout(&self) -> Duration {
        self.http()
            .and_then(|(_, trigger, _)| trigger.worker_availability_timeout)
            .unwrap_or(limits::WORKER_AVAILABILITY_TIMEOUT)
    }

    /// The batching that its triggers ask for; the first by name wins.
    pub fn batch(&self) -> Option<super::Batch> {
        self.triggers.values().filter(|trigger| !trigger.disabled).find_map(|trigger| trigger.batch)
    }
}
