use super::*;
use crate::spec::{CallType, EnvVar, MessageSource, TriggerKind};

fn with(text: Option<&str>, change: impl FnOnce(&mut Overrides)) -> Result<Manifest, ManifestError> {
    let mut flags = Overrides::default();
    change(&mut flags);
    resolve(&package("hello", &["hello.py", "other.py"], text), &flags)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn variable(name: &str, value: &str) -> EnvVar {
    EnvVar { name: name.into(), value: value.into() }
}

#[test]
fn flags_win_over_the_file_and_variables_merge_by_name() {
    let text = "
metadata: {name: file, labels: {label_key: x}}
spec:
  description: file
  runtime: nodejs
  handler: hello:file
  env: [{name: env_var, value: x}, {name: code_entry_env_var, value: y}]
  build: {commands: [a]}
  resources: {limits: {memory: 1Gi, cpu: 1}}
  eventTimeout: 1m
  type: async
";
    let manifest = with(Some(text), |flags| {
        flags.name = some("flag");
        flags.description = some("flag");
        flags.runtime = some("python:3.11");
        flags.handler = some("other:flag");
        flags.env = vec![variable("env_var", "my"), variable("new", "z")];
        flags.memory = some("128");
        flags.timeout = some("5s");
        flags.call_type = some("wait_for_response");
    })
    .unwrap();
    let spec = manifest.spec;
    assert_eq!((manifest.function.to_string().as_str(), spec.description.as_str()), ("flag", "flag"));
    assert_eq!((spec.runtime.to_string().as_str(), spec.handler.as_str()), ("python:3.11", "other:flag"));
    assert_eq!(spec.env, [variable("env_var", "my"), variable("code_entry_env_var", "y"), variable("new", "z")]);
    assert_eq!((spec.labels["label_key"].as_str(), spec.build.commands.as_slice()), ("x", ["a".to_owned()].as_slice()));
    assert_eq!((spec.resources.memory_bytes, spec.resources.cpu_millis), (Some(128 << 20), Some(1000)));
    assert_eq!((spec.event_timeout, spec.call_type), (Some(std::time::Duration::from_secs(5)), CallType::Sync));
}

#[test]
fn memory_is_a_quantity_or_mebibytes() {
    for (text, bytes) in [("128", 128 << 20), ("128Mi", 128 << 20), ("512M", 512_000_000), ("1G", 1_000_000_000)] {
        assert_eq!(
            with(None, |flags| flags.memory = some(text)).unwrap().spec.resources.memory_bytes,
            Some(bytes),
            "{text}"
        );
    }
    for text in ["", "0", "lots", "1k", "-1", "99999999999999999"] {
        assert!(with(None, |flags| flags.memory = some(text)).is_err(), "{text}");
    }
}

#[test]
fn pratai_events_are_the_one_trigger() {
    let timer = with(None, |flags| (flags.event, flags.frequency) = (some("timer"), some("5"))).unwrap().spec;
    let kinds: Vec<_> = timer.triggers.values().map(|trigger| trigger.kind.clone()).collect();
    let [TriggerKind::Cron(cron)] = kinds.as_slice() else { panic!("{kinds:?}") };
    let next = crate::schedule::Schedule::parse(&cron.schedule, None).unwrap().next_after(crate::Timestamp(0)).unwrap();
    assert_eq!(next.micros(), 300_000_000);

    for (topic, function, expected) in [
        (some("orders"), None, MessageSource::Topic("orders".parse().unwrap())),
        (None, some("split"), MessageSource::Responses("split".parse().unwrap())),
    ] {
        let spec = with(None, |flags| {
            flags.event = some("message");
            (flags.topic, flags.subscribe_to) = (topic, function);
        })
        .unwrap()
        .spec;
        assert!(spec.http().is_none());
        let TriggerKind::Message(message) = &spec.triggers[&"message".parse().unwrap()].kind else {
            panic!("a message")
        };
        assert_eq!(message.source, expected);
    }

    let text = "spec: {triggers: {tick: {kind: cron, attributes: {interval: 1m}}}}";
    let webhook = with(Some(text), |flags| flags.event = some("webhook")).unwrap();
    assert!(webhook.spec.http().is_some());
    assert_eq!(webhook.spec.triggers.len(), 1);
    assert_eq!(webhook.warnings, ["--event takes the place of the file's trigger \"tick\""]);
}

#[test]
fn wrong_flags_are_named() {
    type Change = fn(&mut Overrides);
    let table: &[(Change, &str)] = &[
        (|flags| flags.name = some("a b"), "--name: \"a b\" is not a function name"),
        (|flags| flags.project = some(""), "--project: "),
        (|flags| flags.runtime = some("pyton"), "hint: did you mean \"python\"?"),
        (|flags| flags.handler = some("gone:main"), "--handler: the package has no file for the handler \"gone:main\""),
        (|flags| flags.env = vec![variable("", "x")], "--env: "),
        (|flags| flags.timeout = some("30"), "hint: say the unit, as in 30s"),
        (|flags| flags.timeout = some("0"), "--timeout: "),
        (|flags| flags.call_type = some("later"), "--type: expected one of sync, async, wait_for_response"),
        (|flags| flags.event = some("timr"), "hint: did you mean \"timer\"?"),
        (|flags| flags.event = some("timer"), "add --frequency MINUTES"),
        (
            |flags| (flags.event, flags.frequency) = (some("timer"), some("0")),
            "--frequency: \"0\" is not a number of minutes",
        ),
        (|flags| (flags.event, flags.frequency) = (some("timer"), some("1.5")), "not a number of minutes"),
        (|flags| flags.frequency = some("5"), "--frequency: it belongs to --event timer"),
        (|flags| flags.topic = some("a"), "--topic: it belongs to --event message"),
        (|flags| flags.event = some("message"), "add --topic TOPIC or --subscribe-to FUNCTION"),
        (|flags| (flags.event, flags.subscribe_to) = (some("message"), some("hello")), "never come to an end"),
        (
            |flags| {
                (flags.event, flags.topic, flags.call_type) = (some("message"), some("a"), some("wait_for_response"))
            },
            "--type: only a webhook has a caller",
        ),
    ];
    for (change, part) in table {
        assert_refused(with(None, change), part);
    }
}
