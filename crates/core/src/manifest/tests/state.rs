use std::time::Duration;

use super::*;
use crate::spec::{Ordering, StateScope};

#[test]
fn state_is_none_or_one_or_one_a_key() {
    let header = |name: &str| Ordering::Key { header: Some(name.to_owned()) };
    let key = Ordering::Key { header: None };
    for (text, state, ordering) in [
        ("  type: async", StateScope::None, Ordering::None),
        ("  state: none", StateScope::None, Ordering::None),
        ("  state: function", StateScope::Function, Ordering::None),
        ("  state: key", StateScope::Key, key.clone()),
        ("  state: key\n  ordering: key", StateScope::Key, key),
        ("  state: key\n  ordering: {key: {header: X-Device}}", StateScope::Key, header("x-device")),
    ] {
        let manifest = spec(text).unwrap();
        assert_eq!((manifest.spec.state, manifest.spec.ordering), (state, ordering), "{text}");
        assert!(manifest.warnings.is_empty());
    }
    let both = spec("  state: function\n  ordering: key").unwrap();
    assert!(both.warnings[0].contains("spec.ordering has no effect"), "{:?}", both.warnings);
}

#[test]
fn notices_and_logs() {
    let found = spec("  notify: [audit, other, audit]\n  logRetention: 7d").unwrap().spec;
    assert_eq!(found.notify.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["audit", "other"]);
    assert_eq!(found.log_retention, Some(Duration::from_secs(7 * 24 * 3600)));
}

#[test]
fn what_does_not_go_with_state_is_refused() {
    let batch = "triggers: {q: {kind: message, batch: {mode: enable}, attributes: {topic: t}}}";
    for (text, part) in [
        ("  state: keys".to_owned(), "hint: did you mean \"key\"?"),
        ("  state: key\n  ordering: none".to_owned(), "spec.ordering: state: key needs ordering by key"),
        (
            format!("  state: function\n  {batch}"),
            "spec.triggers.q.batch: a function with state takes one event at a time",
        ),
        (format!("  state: key\n  {batch}"), "takes one event at a time"),
        (format!("  runtime: webhook\n  handler: http://a\n  {batch}"), "a webhook takes one event at a time"),
        (
            "  runtime: webhook\n  handler: http://a\n  state: key".to_owned(),
            "spec.state: a webhook has no way to keep state",
        ),
        (
            "  runtime: image\n  state: function\n  container: {image: x, contract: http}".to_owned(),
            "spec.state: an HTTP server in a container has no way to keep state",
        ),
        ("  notify: [hello]".to_owned(), "spec.notify[0]: a function that is told of its own executions"),
        ("  notify: ['a b']".to_owned(), "is not a function name"),
        ("  logRetention: 0".to_owned(), "spec.logRetention: logs are kept for more time than 0"),
    ] {
        assert_refused(spec(&text).map(|manifest| panic!("{text}: {manifest:?}")), part);
    }
}
