use std::time::Duration;

use super::*;
use crate::spec::{Batch, MessageSource, MissedRuns, TriggerKind};

/// The triggers as `name kind, name kind`.
fn triggers(result: Result<Manifest, ManifestError>) -> String {
    let triggers = result.unwrap().spec.triggers;
    triggers.iter().map(|(name, trigger)| format!("{name} {}", trigger.kind.as_str())).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_default_http_trigger_is_there_when_nothing_else_brings_events() {
    const CRON: &str = "  triggers: {t: {kind: cron, attributes: {interval: 1m}}}\n";
    const MESSAGE: &str = "  triggers: {m: {kind: message, attributes: {topic: orders}}}\n";
    const HTTP: &str = "  triggers: {web: {kind: http}}\n";
    for (text, switch, expected) in [
        ("", None, "default-http http"),
        ("", Some(false), "default-http http"),
        ("", Some(true), ""),
        (HTTP, None, "web http"),
        (HTTP, Some(true), "web http"),
        (HTTP, Some(false), "web http"),
        (CRON, None, "t cron"),
        (CRON, Some(true), "t cron"),
        (CRON, Some(false), "default-http http, t cron"),
        (MESSAGE, None, "m message"),
        (MESSAGE, Some(false), "default-http http, m message"),
    ] {
        let switch = switch.map(|switch| format!("  disableDefaultHTTPTrigger: {switch}\n")).unwrap_or_default();
        assert_eq!(triggers(spec(&format!("  description: x\n{text}{switch}"))), expected, "{text}{switch}");
    }
}

#[test]
fn triggers_follow_the_table() {
    let web = |text: &str| spec(&format!("  triggers: {{web: {{kind: http, {text}}}}}"));
    let one = |text: &str| web(text).unwrap().spec.http().unwrap().1.clone();
    assert_eq!(one("").workers, None);
    assert_eq!(one("numWorkers: 5").workers, Some(5));
    assert_eq!(one("maxWorkers: 5").workers, Some(5));
    assert_eq!(one("NumWorkers: 100000, name: web").workers, Some(100_000));
    let wait = |text: &str| one(&format!("workerAvailabilityTimeoutMilliseconds: {text}")).worker_availability_timeout;
    assert_eq!(
        (wait("-1"), wait("null"), wait("0"), wait("250")),
        (None, None, Some(Duration::ZERO), Some(Duration::from_millis(250)))
    );
    let off = web("disabled: true").unwrap().spec;
    assert!(off.http().is_none() && off.triggers.len() == 1);
    for (text, part) in [
        ("{a: {kind: http}, b: {kind: http}}", "There's more than one http trigger (unsupported)"),
        ("{'': {kind: http}}", "it is empty"),
        ("{a: {kind: http, name: b}}", "the name of a trigger is its key, here \"a\""),
        ("{a: {kind: http, numWorkers: 100001}}", "too large; the most is 100000"),
        ("{a: {kind: http, numWorkers: 1, maxWorkers: 2}}", "the key is given twice"),
        ("{a: {}}", "spec.triggers.a.kind: it is missing"),
        ("{a: }", "expected a mapping, found nothing"),
        ("{a: {kind: htp}}", "hint: did you mean \"http\"?"),
        ("{a: {kind: fax}}", "is not a kind of trigger; there are http, cron, message"),
        ("{a: {kind: kafka-cluster, attributes: {topics: [a]}}}", "does not have the source \"kafka-cluster\" yet"),
        ("{a: {kind: kafka, total_tasks: 2, max_task_allocation: 3}}", "does not have the source \"kafka\" yet"),
        ("{a: {kind: nats}}", "hint: there are http, cron, message"),
        ("{a: {kind: cron}}", "there is no schedule"),
        (
            "{a: {kind: cron, attributes: {schedule: '61 * * * *'}}}",
            "spec.triggers.a.attributes.schedule: \"61 * * * *\" is not a schedule",
        ),
        ("{a: {kind: cron, attributes: {schedule: '@daily', timeZone: Mars/Olympus}}}", "Mars/Olympus"),
        ("{a: {kind: cron, attributes: {interval: 1ms}}}", "the shortest interval is 100ms"),
        ("{a: {kind: cron, attributes: {interval: 5}}}", "say the unit, as in 5s"),
        ("{a: {kind: cron, attributes: {schedule: '@daily', missed: none}}}", "one of skip, once, all"),
        ("{a: {kind: cron, attributes: {shedule: '@daily'}}}", "did you mean \"schedule\"?"),
        ("{a: {kind: message}}", "there is nothing to listen to"),
        ("{a: {kind: message, attributes: {topic: a, subscribeTo: b}}}", "not to both"),
        ("{a: {kind: message, attributes: {topic: a b}}}", "is not a topic name"),
        ("{a: {kind: message, attributes: {subscribeTo: hello}}}", "never come to an end"),
    ] {
        let text = refusal(spec(&format!("  triggers: {text}")));
        assert!(text.to_lowercase().contains(&part.to_lowercase()), "{part:?} is not in {text:?}");
    }
}

#[test]
fn batches_follow_the_table() {
    let batch = |runtime: &str, text: &str| {
        let files = ["a.py", "b.js"];
        let handler = if runtime == "python" { "a:f" } else { "b:f" };
        let text = format!(
            "spec:\n  runtime: {runtime}\n  handler: {handler}\n  triggers: {{t: {{kind: cron, attributes: {{interval: 1s}}, batch: {text}}}}}"
        );
        resolve(&package("x", &files, Some(&text)), &Overrides::default())
    };
    let read = |runtime, text| batch(runtime, text).unwrap().spec.batch();
    assert_eq!(read("python", "{mode: enable}"), Some(Batch { size: 10, timeout: Duration::from_secs(1) }));
    let one = Some(Batch { size: 1, timeout: Duration::from_millis(1) });
    assert_eq!(read("python", "{mode: enable, batchSize: 1, timeout: 1ms}"), one);
    assert_eq!(read("nodejs", "{mode: enable, batchSize: 1, timeout: 1ms}"), one);
    assert_eq!(read("python", "{mode: disable}"), None);
    let unused = batch("python", "{batchSize: 5}").unwrap();
    assert_eq!(unused.spec.batch(), None);
    assert!(unused.warnings[0].contains("its mode is not enable"));
    assert_refused(batch("python", "{mode: enable, batchSize: -3}"), "-3 is too small; the least is 1");
    assert_refused(batch("python", "{mode: enable, timeout: test}"), "\"test\" is not a duration");
}

#[test]
fn schedules_and_messages_are_read() {
    let text = r#"
  triggers:
    nightly:
      kind: cron
      attributes:
        schedule: "0 3 * * *"
        timeZone: Europe/Berlin
        missed: all
        event: {body: hi, headers: {X-A: b}, path: /run, method: put}
        concurrencyPolicy: Forbid
    often: {kind: cron, attributes: {interval: 250ms, schedule: "@daily"}}
    orders: {kind: message, disabled: true, attributes: {topic: orders}}
    parts: {kind: message, attributes: {subscribe_to: split}}
"#;
    let manifest = spec(text).unwrap();
    let kind = |name: &str| manifest.spec.triggers[&name.parse().unwrap()].kind.clone();
    let TriggerKind::Cron(nightly) = kind("nightly") else { panic!("a schedule") };
    assert_eq!(
        (nightly.schedule.as_str(), nightly.time_zone.as_deref(), nightly.missed),
        ("0 3 * * *", Some("Europe/Berlin"), MissedRuns::All)
    );
    assert_eq!((nightly.body.as_str(), nightly.path.as_str(), nightly.method.as_str()), ("hi", "/run", "PUT"));
    assert_eq!(nightly.headers["X-A"], "b");
    let TriggerKind::Cron(often) = kind("often") else { panic!("a schedule") };
    assert_eq!(often.schedule, "@every 250ms");
    let TriggerKind::Message(orders) = kind("orders") else { panic!("a message") };
    assert_eq!(orders.source, MessageSource::Topic("orders".parse().unwrap()));
    let TriggerKind::Message(parts) = kind("parts") else { panic!("a message") };
    assert_eq!(parts.source, MessageSource::Responses("split".parse().unwrap()));
    assert_eq!(manifest.warnings.len(), 2, "{:?}", manifest.warnings);
    assert!(manifest.spec.http().is_none());
}
