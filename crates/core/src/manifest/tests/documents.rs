use std::time::Duration;

use super::*;
use crate::spec::{CallType, EnvVar, FunctionSpec, History, Ordering, Runtime};

#[test]
fn a_bare_file_needs_no_configuration() {
    let manifest = resolve(&package("hello", &["hello.py"], None), &Overrides::default()).unwrap();
    assert_eq!(manifest.function.to_string(), "hello");
    assert_eq!((manifest.spec.runtime.clone(), manifest.spec.handler.as_str()), (Runtime::Python(None), "hello"));
    assert!(manifest.spec.http().is_some());
    assert!(manifest.warnings.is_empty());
}

#[test]
fn every_key_that_is_honoured_is_read() {
    let text = r#"
apiVersion: nuclio.io/v1
kind: NuclioFunction
meta:
  name: photos
  labels: {nuclio.io/project-name: shop, team: a}
spec:
  description: Makes thumbnails.
  runtime: python:3.11
  handler: hello:handler
  disable: true
  env:
    - {name: A, value: "1"}
    - {name: B, value: "2"}
    - {name: A, value: "3"}
  type: async
  retry: {maxAttempts: 3, initial: 500ms, factor: 1.5, max: 1m, jitter: 0}
  ordering: {key: {header: X-Device}}
  queue: {pendingMax: 10}
  history: failed
  build:
    commands: [pip install numpy]
    requirements: [pillow]
    buildTimeoutSeconds: -1
  resources: {limits: {memory: 512Mi, cpu: 1.5}}
  minReplicas: 1
  maxReplicas: 4
  eventTimeout: 30s
  readinessTimeoutSeconds: 60
  idleTimeout: 10m
  runtimeAttributes: {arguments: -a -b, responseHeaders: {X-A: b}}
"#;
    let Manifest { function, spec, warnings } = read(text).unwrap();
    assert_eq!(function.to_string(), "shop:photos");
    assert!(warnings.is_empty(), "{warnings:?}");
    let expected = FunctionSpec::new(Runtime::Python(Some("3.11".into())));
    assert_eq!(spec.runtime, expected.runtime);
    assert_eq!(
        (spec.description.as_str(), spec.handler.as_str(), spec.disable),
        ("Makes thumbnails.", "hello:handler", true)
    );
    assert_eq!(spec.labels["team"], "a");
    let variable = |name: &str, value: &str| EnvVar { name: name.into(), value: value.into() };
    assert_eq!(spec.env, [variable("A", "3"), variable("B", "2")]);
    assert_eq!(spec.call_type, CallType::Async);
    assert_eq!((spec.retry.max_attempts, spec.retry.factor, spec.retry.jitter), (3, 1.5, 0.0));
    assert_eq!((spec.retry.initial, spec.retry.max), (Duration::from_millis(500), Duration::from_secs(60)));
    assert_eq!(spec.ordering, Ordering::Key { header: Some("x-device".into()) });
    assert_eq!((spec.queue.pending_max, spec.history), (10, History::Failed));
    assert_eq!(spec.build.commands, ["pip install numpy"]);
    assert_eq!(
        (spec.build.requirements.as_slice(), spec.build.build_timeout_seconds),
        (["pillow".to_owned()].as_slice(), Some(-1))
    );
    assert_eq!((spec.resources.memory_bytes, spec.resources.cpu_millis), (Some(512 << 20), Some(1500)));
    assert_eq!((spec.min_replicas, spec.max_replicas), (Some(1), Some(4)));
    assert_eq!(spec.event_timeout, Some(Duration::from_secs(30)));
    assert_eq!((spec.readiness_timeout, spec.idle_timeout), (Duration::from_secs(60), Duration::from_secs(600)));
    assert_eq!(spec.runtime_attributes["responseHeaders"]["X-A"], "b");
}

#[test]
fn json_case_and_empty_values_are_accepted() {
    for text in [
        "{\"META\": {\"Name\": \"f\"}, \"Spec\": {\"RUNTIME\": \"python\", \"maxreplicas\": 2, \"targetCpu\": 13}}",
        "metadata:\n  name: f\n  labels:\nspec:\n  env:\n  triggers:\n  disableDefaultHTTPTrigger: null\n  maxReplicas: 2\n  targetCPU: 13\n",
    ] {
        let manifest = read(text).unwrap();
        assert_eq!(manifest.function.to_string(), "f");
        assert_eq!(manifest.spec.max_replicas, Some(2));
        assert!(manifest.spec.http().is_some());
        assert_eq!(manifest.warnings.len(), 1, "{:?}", manifest.warnings);
        assert!(manifest.warnings[0].contains("spec.targetCPU has no effect"), "{:?}", manifest.warnings);
    }
}

#[test]
fn what_nuclio_knows_and_we_do_not_do_is_told() {
    let text = "
  affinity: {nodeAffinity: {}}
  image: some/image
  loggerSinks: [{level: debug, sink: x}]
  volumes: []
  build: {baseImage: alpine, flags: [\"--insecure-pull\", \"--label key=value\"]}
  resources: {requests: {cpu: 1}, limits: {nvidia.com/gpu: 1}}
  env:
    - name: SECRET
      valueFrom: {secretKeyRef: {name: a, key: b}}
  triggers:
    web:
      kind: http
      workerTerminationTimeout: 10s
      attributes: {port: 32001}
";
    let manifest = spec(text).unwrap();
    assert!(manifest.spec.env.is_empty());
    let expected = [
        "function.yaml:3: spec.affinity has no effect: ",
        "function.yaml:5: spec.loggerSinks ",
        "function.yaml:6: spec.volumes ",
        "function.yaml:7: spec.build.baseImage ",
        "function.yaml:7: spec.build.flags ",
        "function.yaml:8: spec.resources.requests ",
        "function.yaml:8: spec.resources.limits.nvidia.com/gpu ",
        "function.yaml:11: spec.env[0].valueFrom ",
        "function.yaml:15: spec.triggers.web.workerTerminationTimeout ",
        "function.yaml:16: spec.triggers.web.attributes.port ",
        "function.yaml:4: spec.image ",
    ];
    assert_eq!(manifest.warnings.len(), expected.len(), "{:#?}", manifest.warnings);
    for (warning, start) in manifest.warnings.iter().zip(expected) {
        assert!(warning.starts_with(start), "{warning:?} does not start with {start:?}");
    }
}

#[test]
fn an_inline_configuration_counts_lines_of_its_source() {
    let mut unpacked = package("hello", &["hello.py"], None);
    let mut inline = |text: &str| {
        unpacked.manifest =
            Some(ManifestText { file: "hello.py".into(), first_line: 5, text: text.to_owned(), inline: true });
        resolve(&unpacked, &Overrides::default())
    };
    let manifest = inline("function.yaml:\n  metadata:\n    name: x\n  spec:\n    type: async\n").unwrap();
    assert_eq!((manifest.function.to_string(), manifest.spec.call_type), ("x".into(), CallType::Async));
    let error = inline("function.yaml:\n  spec:\n    hander: x\n").unwrap_err();
    assert_eq!(error.to_string(), "hello.py:7: spec.hander: this key is not known\nhint: did you mean \"handler\"?");
    assert!(inline("spec:\n  type: async\n").unwrap_err().to_string().contains("one key \"function.yaml\""));
    assert!(inline("a: [\n").unwrap_err().to_string().contains("Failed to parse inline configuration"));
    assert!(inline("").is_ok());
}

#[test]
fn names_and_projects_have_an_order() {
    let text = "metadata: {name: file, labels: {nuclio.io/project-name: shop}}";
    for (text, name, project, expected) in [
        (None, None, None, "my-package"),
        (Some(text), None, None, "shop:file"),
        (Some(text), Some("flag"), None, "shop:flag"),
        (Some(text), Some("flag"), Some("other"), "other:flag"),
        (Some("metadata: {namespace: nuclio}"), None, None, "my-package"),
    ] {
        let flags =
            Overrides { name: name.map(str::to_owned), project: project.map(str::to_owned), ..Overrides::default() };
        let manifest = resolve(&package("my package", &["a.py"], text), &flags).unwrap();
        assert_eq!(manifest.function.to_string(), expected);
    }
    assert_refused(read("metadata: {name: ''}"), "metadata.name: \"\" is not a function name: it is empty");
    assert_refused(read("metadata: {name: a b}"), "hint: for example \"a-b\"");
    // Nuclio keeps these for its own services; here they are names as others.
    assert!(read("metadata: {name: dashboard}").is_ok());
}
