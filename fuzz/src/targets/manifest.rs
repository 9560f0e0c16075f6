//! Whole configurations: each is accepted with settings that keep in their stored form, or refused with all its places.
//!
//! The first byte chooses the files of the package; the second whether the configuration is an inline one.

use tidemill_core::{
    manifest::{Overrides, resolve},
    ports::{ManifestText, Unpacked},
    schedule::Schedule,
    spec::{FunctionSpec, TriggerKind},
};

use crate::{
    corpus::borrowed,
    input::Input,
    target::{Memory, Target},
    text,
};

pub(super) const TARGET: Target = Target {
    name: "manifest",
    about: "function.yaml: from a package to the settings of a revision",
    run,
    seeds,
    words: &[
        "metadata:\n  name: ",
        "spec:\n  ",
        "  handler: ",
        "  runtime: ",
        "python:3.11",
        "image",
        "wasm",
        "  triggers:\n    t:\n      kind: ",
        "cron",
        "http",
        "attributes: {",
        "schedule: ",
        "timeZone: ",
        "interval: ",
        "  env:\n    - {name: A, value: b}\n",
        "  resources: {limits: {memory: ",
        "128Mi",
        "500m",
        "30s",
        "1h30m",
        "@every ",
        "eventTimeout: ",
        "  build: {commands: [",
        "  container: {contract: ",
        "  state: ",
        "keyed",
        "  minReplicas: ",
        "  maxReplicas: ",
        "  sandbox: ",
        "strict",
        "  runtimeAttributes: {wasm: {allowHosts: [",
        "ingresses: {0: {host: ",
        "paths: [",
        "-1",
        "99999999999999999999",
        "\u{1f600}",
        "null",
        "[]",
        "{}",
        "retry: ",
        "ordering: key",
        "subscriptions: ",
    ],
    bytes_max: 6 * 1024,
    memory: Memory { base_bytes: 48 * 1024 * 1024, per_byte: 4_000 },
    share: 100,
};

const PACKAGES: [&[&str]; 8] = [
    &["main.py"],
    &["handler.js", "package.json"],
    &["run.sh"],
    &["program"],
    &["app.wasm"],
    &[],
    &["a.py", "b.py", "requirements.txt"],
    &["Dockerfile", "main.py"],
];

fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let files: Vec<String> = PACKAGES[input.below(8)].iter().map(|file| (*file).to_owned()).collect();
    let inline = input.flag();
    let Some(text) = text::of(input.rest()) else { return };
    let manifest = ManifestText { file: "function.yaml".into(), first_line: 1, text: text.to_owned(), inline };
    let unpacked = Unpacked {
        digest: "0".repeat(64).parse().expect("it is a digest"),
        directory: "/".into(),
        stem: "hello".into(),
        files,
        manifest: Some(manifest),
    };
    let resolved = resolve(&unpacked, &Overrides::default());
    assert_eq!(resolved, resolve(&unpacked, &Overrides::default()), "the same package is read in two ways");
    match resolved {
        Ok(manifest) => {
            check(&manifest.spec);
            assert!(manifest.warnings.len() <= 300);
            assert!(manifest.warnings.iter().all(|warning| !warning.contains('\n')), "{:?}", manifest.warnings);
        }
        Err(error) => {
            assert!(!error.problems.is_empty() && error.problems.len() <= 150);
            let lines = u32::try_from(text.split(['\n', '\r']).count()).unwrap_or(u32::MAX);
            for problem in &error.problems {
                assert!(!problem.message.is_empty() && !problem.message.contains('\n'), "{:?}", problem.message);
                assert!(
                    problem.line.is_none_or(|line| (1..=lines + 1).contains(&line)),
                    "line {:?} of {lines}",
                    problem.line
                );
                assert!(problem.line.is_some() == problem.file.is_some(), "a place without its file: {problem}");
            }
            assert!(error.to_string().len() < 300_000);
        }
    }
}

/// Settings that were accepted can be kept, and each part of them can be used.
fn check(spec: &FunctionSpec) {
    let stored = serde_json::to_string(spec).expect("settings can be stored");
    let read: FunctionSpec = serde_json::from_str(&stored).unwrap_or_else(|error| panic!("{error}: {stored}"));
    assert_eq!(*spec, read, "stored and read they are others");
    for trigger in spec.triggers.values() {
        if let TriggerKind::Cron(cron) = &trigger.kind {
            let schedule = Schedule::parse(&cron.schedule, cron.time_zone.as_deref());
            schedule.unwrap_or_else(|error| panic!("a schedule was accepted that is none: {error}"));
        }
    }
    for variable in &spec.env {
        assert!(!variable.name.is_empty() && !variable.name.contains(['=', '\0']) && !variable.value.contains('\0'));
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let packages = [b"\0\0", b"\x01\0", b"\x07\0", b"\x04\0", b"\x05\0"];
    let seeds = borrowed(&["examples", "conformance", "sandbox-corpus"], "function.y", 4_000);
    let mut seeds: Vec<(String, Vec<u8>)> = seeds
        .into_iter()
        .enumerate()
        .map(|(index, (name, text))| (name, [&packages[index % packages.len()][..], &text].concat()))
        .collect();
    seeds.push((
        "inline".to_owned(),
        b"\0\x01function.yaml:\n  spec: {handler: 'main:handler', runtime: python}\n".to_vec(),
    ));
    seeds
}
