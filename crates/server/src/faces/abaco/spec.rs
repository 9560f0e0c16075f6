//! From an actor to the settings of its function. Pure.

use std::time::Duration;

use serde_json::Value;
use tidemill_core::{
    FunctionName, ProjectName,
    retry::RetryPolicy,
    spec::{
        CallType, Completion, Container, Contract, CronTrigger, EnvVar, FunctionSpec, MissedRuns, Resources, Runtime,
        StateScope, Trigger, TriggerKind,
    },
};

use super::{
    AbacoConfig,
    python::Json,
    record::{ActorRecord, Definition},
    resources::{self, Whose},
};

/// Says that a function belongs to the face, and what it is there.
pub(crate) const LABEL: &str = "abaco";
/// An actor.
pub(crate) const ACTOR: &str = "actor";
/// What posts an actor's events.
pub(crate) const WEBHOOK: &str = "webhook";
/// The actor's name, for its containers.
const LABEL_NAME: &str = "abaco.name";
/// What a scheduled run says.
const CRON_MESSAGE: &str = "This is your cron execution";
/// The trigger that makes it run.
const CRON_TRIGGER: &str = "cron";
/// The header that tells a container the form of a message.
pub(crate) const CONTENT_TYPE_HEADER: &str = "x-abaco-content-type";

/// A message is tried again for hours: what makes an attempt fail is the platform. The image's containers end as they like,
/// and are done then.
const RETRY: RetryPolicy = RetryPolicy {
    max_attempts: 200,
    initial: Duration::from_secs(5),
    factor: 2.0,
    max: Duration::from_secs(60),
    jitter: 0.2,
};
/// A webhook is tried for minutes.
const WEBHOOK_RETRY: RetryPolicy = RetryPolicy {
    max_attempts: 8,
    initial: Duration::from_secs(1),
    factor: 2.0,
    max: Duration::from_secs(60),
    jitter: 0.2,
};
/// How long a webhook may take to answer.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(30);

/// The settings of an actor's function.
pub(crate) fn of_actor(record: &ActorRecord, project: &ProjectName, config: &AbacoConfig) -> FunctionSpec {
    let definition = &record.definition;
    let mut spec = FunctionSpec::new(Runtime::Image);
    spec.labels.insert(LABEL.to_owned(), ACTOR.to_owned());
    if let Some(name) = &definition.name {
        spec.labels.insert(LABEL_NAME.to_owned(), name.clone());
    }
    spec.env = environment(definition);
    spec.container = Some(Box::new(container(record, project, config)));
    spec.resources = resources(definition, config);
    spec.max_replicas = if definition.stateless { definition.max_workers.or(config.workers_max) } else { Some(1) };
    spec.event_timeout = config.run_time_max;
    spec.readiness_timeout = config.start_timeout;
    let is_sync = definition.hints.iter().any(|hint| hint == "sync");
    spec.idle_timeout = if is_sync { config.sync_worker_idle } else { config.worker_idle };
    spec.call_type = CallType::Async;
    spec.completion = Completion::Run;
    spec.retry = RETRY;
    spec.state = if definition.stateless { StateScope::None } else { StateScope::Function };
    spec.notify = notify(record, project);
    spec.log_retention = log_retention(definition, config);
    if let Some(cron) = &definition.cron {
        let trigger = CronTrigger {
            schedule: cron.schedule.clone(),
            time_zone: None,
            missed: MissedRuns::Once,
            body: CRON_MESSAGE.to_owned(),
            headers: [(CONTENT_TYPE_HEADER.to_owned(), "str".to_owned())].into(),
            path: String::new(),
            method: String::new(),
        };
        let trigger = Trigger {
            disabled: !definition.cron_on,
            workers: None,
            worker_availability_timeout: None,
            batch: None,
            kind: TriggerKind::Cron(Box::new(trigger)),
        };
        spec.triggers.insert(CRON_TRIGGER.parse().expect("it is a name"), trigger);
    }
    spec
}

/// The settings of the function that posts an actor's events; `None` when it has no webhook.
pub(crate) fn of_webhook(record: &ActorRecord) -> Option<FunctionSpec> {
    let webhook = &record.definition.webhook;
    if webhook.is_empty() {
        return None;
    }
    let mut spec = FunctionSpec::new(Runtime::Webhook);
    spec.labels.insert(LABEL.to_owned(), WEBHOOK.to_owned());
    spec.handler.clone_from(webhook);
    spec.event_timeout = Some(WEBHOOK_TIMEOUT);
    spec.call_type = CallType::Async;
    spec.retry = WEBHOOK_RETRY;
    Some(spec)
}

fn notify(record: &ActorRecord, project: &ProjectName) -> Vec<FunctionName> {
    let webhook = (!record.definition.webhook.is_empty()).then(|| record.webhook_function(project).name);
    record.definition.linked.clone().into_iter().chain(webhook).collect()
}

fn environment(definition: &Definition) -> Vec<EnvVar> {
    let given = definition.default_environment.iter().filter(|(_, value)| **value != Value::Null);
    given.map(|(name, value)| EnvVar { name: name.clone(), value: Json::from(value).str() }).collect()
}

fn container(record: &ActorRecord, project: &ProjectName, config: &AbacoConfig) -> Container {
    let definition = &record.definition;
    let whose = whose(record, project);
    Container {
        image: definition.image.clone(),
        contract: Contract::Run,
        user: user(definition, config),
        mounts: resources::mounts(config, whose, definition.privileged),
        privileged: definition.privileged,
        ..Container::default()
    }
}

/// Whose folders an actor's containers see.
pub(crate) fn whose<'a>(record: &'a ActorRecord, project: &'a ProjectName) -> Whose<'a> {
    Whose { username: &record.owner, tenant: project.as_str(), tasdir: record.definition.tasdir.as_deref() }
}

/// Who the containers of an actor run as; empty is their image's user.
pub(crate) fn user(definition: &Definition, config: &AbacoConfig) -> String {
    if definition.use_container_uid {
        return String::new();
    }
    match (&definition.uid, &definition.gid) {
        (Some(uid), Some(gid)) => format!("{uid}:{gid}"),
        (Some(uid), None) => uid.clone(),
        (None, _) => config.user.clone().unwrap_or_default(),
    }
}

fn resources(definition: &Definition, config: &AbacoConfig) -> Resources {
    let memory = definition.mem_limit.as_ref().or(config.memory.as_ref());
    Resources {
        memory_bytes: memory.and_then(|text| resources::memory_bytes(text)),
        cpu_millis: definition.max_cpus.or(config.cpus).map(resources::cpu_millis),
    }
}

fn log_retention(definition: &Definition, config: &AbacoConfig) -> Option<Duration> {
    let own = definition.log_ex.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    match (own, config.log_retention_max) {
        (Some(own), Some(max)) => Some(own.min(max)),
        (Some(own), None) => Some(own),
        (None, _) => config.log_retention,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidemill_core::{
        Timestamp,
        access::{Principal, Role, Roles},
    };

    use super::*;
    use crate::faces::abaco::{case::Case, fields::Fields, record::FORMAT};

    fn actor(description: Value, config: &AbacoConfig) -> ActorRecord {
        let fields = Fields { case: Case::Camel, json: Some(Json::from(&description)), ..Fields::default() };
        let project: ProjectName = "DEV".parse().unwrap();
        let admin = Principal { project, user: "jdoe".to_owned(), roles: Roles::from([Role::Admin]) };
        let definition = Definition::read(&fields, None, &admin, config, Timestamp(0)).unwrap();
        ActorRecord {
            format: FORMAT,
            id: "a1".parse().unwrap(),
            owner: "jdoe".to_owned(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            revision: 1,
            was_ready: false,
            is_going: false,
            definition,
        }
    }

    fn spec(description: Value, config: &AbacoConfig) -> FunctionSpec {
        of_actor(&actor(description, config), &"DEV".parse().unwrap(), config)
    }

    #[test]
    fn an_actor_becomes_a_function() {
        let config = AbacoConfig {
            workers_max: Some(6),
            privileged: true,
            user: Some("1000:1000".to_owned()),
            memory: Some("1g".to_owned()),
            log_retention: Some(Duration::from_secs(43_200)),
            log_retention_max: Some(Duration::from_secs(86_400)),
            mounts: vec!["/home/{username}:/home:rw".to_owned()],
            ..AbacoConfig::default()
        };
        let plain = spec(json!({"image": "x"}), &config);
        let container = plain.container.as_deref().unwrap();
        assert_eq!(
            (container.image.as_str(), container.user.as_str(), container.privileged),
            ("x", "1000:1000", false)
        );
        assert_eq!((plain.max_replicas, plain.state, plain.call_type), (Some(6), StateScope::None, CallType::Async));
        assert_eq!((plain.resources.memory_bytes, plain.resources.cpu_millis), (Some(1 << 30), None));
        assert_eq!(plain.log_retention, Some(Duration::from_secs(43_200)));
        assert_eq!(container.mounts[0].source, "/home/jdoe");
        assert!(plain.http().is_none() && plain.labels["abaco"] == "actor" && !plain.labels.contains_key("abaco.name"));

        let full = spec(
            json!({
                "image": "x", "name": "mill", "stateless": false, "hints": ["sync"], "logEx": 1_000_000,
                "defaultEnvironment": {"S": "s", "N": 5, "L": ["a", null], "GONE": null}, "useContainerUid": true,
                "memLimit": "2g", "maxCpus": 1_500_000_000, "webhook": "http://h/p", "privileged": true,
                "cronSchedule": "2026-11-22 07 + 3 months",
            }),
            &config,
        );
        assert_eq!((full.max_replicas, full.state), (Some(1), StateScope::Function));
        let env: Vec<_> = full.env.iter().map(|one| format!("{}={}", one.name, one.value)).collect();
        assert_eq!(env, ["L=['a', None]", "N=5", "S=s"]);
        assert_eq!(full.resources, Resources { memory_bytes: Some(2 << 30), cpu_millis: Some(1500) });
        assert_eq!(full.log_retention, Some(Duration::from_secs(86_400)));
        assert_eq!(full.idle_timeout, config.sync_worker_idle);
        assert_eq!(full.notify.iter().map(FunctionName::as_str).collect::<Vec<_>>(), ["a1.webhook"]);
        let container = full.container.as_deref().unwrap();
        assert!(container.privileged && container.user.is_empty());
        let (_, trigger) = full.triggers.iter().next().unwrap();
        let TriggerKind::Cron(cron) = &trigger.kind else { panic!("it is a cron trigger") };
        assert_eq!((cron.schedule.as_str(), trigger.disabled), ("@from 2026-11-22T07 every 3 months", false));
    }

    #[test]
    fn a_webhook_becomes_a_function_of_its_own() {
        let config = AbacoConfig::default();
        assert!(of_webhook(&actor(json!({"image": "x"}), &config)).is_none());
        let spec = of_webhook(&actor(json!({"image": "x", "webhook": "https://h:8/p?x-nonce=1"}), &config)).unwrap();
        assert_eq!((spec.runtime, spec.handler.as_str()), (Runtime::Webhook, "https://h:8/p?x-nonce=1"));
    }
}
