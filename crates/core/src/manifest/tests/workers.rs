use super::*;

#[test]
fn replicas_follow_the_table() {
    let error = Err(());
    for (min, max, expected) in [
        (None, None, Ok((None, None))),
        (None, Some(0), error),
        (None, Some(1), Ok((Some(1), Some(1)))),
        (None, Some(2), Ok((Some(2), Some(2)))),
        (Some(0), None, error),
        (Some(0), Some(0), error),
        (Some(0), Some(1), Ok((Some(0), Some(1)))),
        (Some(0), Some(2), Ok((Some(0), Some(2)))),
        (Some(1), None, Ok((Some(1), Some(1)))),
        (Some(1), Some(0), error),
        (Some(1), Some(1), Ok((Some(1), Some(1)))),
        (Some(1), Some(2), Ok((Some(1), Some(2)))),
        (Some(2), None, Ok((Some(2), Some(2)))),
        (Some(2), Some(0), error),
        (Some(2), Some(1), error),
        (Some(2), Some(2), Ok((Some(2), Some(2)))),
    ] {
        let mut text = String::from("  description: x\n");
        for (key, value) in [("minReplicas", min), ("maxReplicas", max)] {
            if let Some(value) = value {
                text.push_str(&format!("  {key}: {value}\n"));
            }
        }
        let found = spec(&text).map(|manifest| (manifest.spec.min_replicas, manifest.spec.max_replicas)).map_err(drop);
        assert_eq!(found, expected, "{min:?} {max:?}");
    }
    let fixed = spec("  replicas: 3\n  minReplicas: 9\n  maxReplicas: 1\n").unwrap().spec;
    assert_eq!((fixed.min_replicas, fixed.max_replicas), (Some(3), Some(3)));
    assert_refused(spec("  maxReplicas: 0\n"), "greater than zero");
    assert_refused(spec("  minReplicas: -1\n"), "spec.minReplicas: -1 is too small; the least is 0");
    assert_refused(spec("  minReplicas: 0\n"), "max replicas must be set when min replicas is zero");
    assert_refused(
        spec("  minReplicas: 2\n  maxReplicas: 1\n"),
        "min replicas must be less than or equal to max replicas",
    );
}

#[test]
fn limits_and_times_are_checked() {
    for (text, part) in [
        ("  resources: {limits: {memory: 512}}", "hint: did you mean 512Mi?"),
        ("  resources: {limits: {memory: 128MB}}", "did you mean \"128M\"?"),
        ("  resources: {limits: {memory: 99E}}", "more memory"),
        ("  resources: {limits: {memory: [1]}}", "expected a quantity such as 128Mi, found a list"),
        ("  resources: {limits: {cpu: 0}}", "not a number of cores"),
        ("  resources: {limits: {cpus: 1}}", "did you mean \"cpu\"?"),
        ("  eventTimeout: 30", "hint: say the unit, as in 30s"),
        ("  eventTimeout: 0", "more time than 0"),
        ("  eventTimeout: -1s", "not a duration"),
        ("  eventTimeout: soon", "not a duration"),
        ("  readinessTimeoutSeconds: 0", "too small"),
        ("  retry: {maxAttempts: 0}", "spec.retry.maxAttempts: 0 is too small"),
        ("  retry: {factor: 0.5}", "not between 1 and 1000"),
        ("  retry: {jitter: .nan}", "not between 0 and 1"),
        ("  retry: {initial: 10s, max: 5s}", "shorter than the first"),
        ("  queue: {pendingMax: 0}", "too small"),
        ("  history: some", "expected one of none, failed, all, found the text \"some\""),
        ("  type: asynch", "hint: did you mean \"async\"?"),
        ("  ordering: keys", "hint: did you mean \"key\"?"),
        ("  ordering: {key: {header: 'a b'}}", "not the name of a header"),
        ("  ordering: {}", "spec.ordering.key: it is missing"),
        ("  env: [{value: x}]", "spec.env[0].name: it is missing"),
        ("  env: [{name: PORT, value: 8080}]", "hint: write it in quotes: \"8080\""),
        ("  env: [{name: A=B}]", "'='"),
        ("  disable: yes", "hint: write true"),
        ("  build: {functionSourceCode: ZGVm}", "the code must be a file of the package"),
    ] {
        assert_refused(spec(text), part);
    }
    let long = spec("  retry: {initial: 10m}").unwrap().spec.retry;
    assert_eq!(long.initial, long.max);
}
