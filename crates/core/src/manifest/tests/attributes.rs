use super::*;

fn of(file: &str, text: &str) -> Result<Manifest, ManifestError> {
    resolve(&package("hello", &[file], Some(&format!("spec:\n{text}\n"))), &Overrides::default())
}

#[test]
fn misspelt_attributes_are_refused_with_what_was_meant() {
    for (file, attributes, said) in [
        (
            "a.wasm",
            "{wasms: {slots: 1}}",
            "spec.runtimeAttributes.wasms: this name is not known\nhint: did you mean \"wasm\"?",
        ),
        ("a.wasm", "{WASM: {slots: 1}}", "hint: did you mean \"wasm\"?"),
        ("a.wasm", "{argumnts: a b}", "hint: did you mean \"arguments\"?"),
        ("a.sh", "{responseheaders: {a: b}}", "hint: did you mean \"responseHeaders\"?"),
    ] {
        assert_refused(of(file, &format!("  runtimeAttributes: {attributes}")), said);
    }
    let text = "  runtimeAttributes:\n    arguments: a b\n    wasn: {}";
    assert_refused(of("a.wasm", text), "function.yaml:4:");
}

#[test]
fn what_a_runtime_does_not_read_is_told() {
    let warnings = |file, text| of(file, text).unwrap().warnings;
    assert_eq!(
        warnings("a.sh", "  runtimeAttributes: {jvmOptions: x}"),
        [
            "function.yaml:2: spec.runtimeAttributes.jvmOptions has no effect: the runtime shell knows arguments, responseHeaders"
        ]
    );
    assert!(warnings("a.py", "  runtimeAttributes: {jvmOptions: x}").is_empty());
    assert!(warnings("a.wasm", "  runtimeAttributes: {arguments: x, wasm: {slots: 1}}").is_empty());
    let told = warnings("a.wasm", "  sandbox: {network: true}\n  resources: {limits: {cpu: 2, memory: 64Mi}}");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("spec.sandbox.network has no effect"), "{told:?}");
    assert!(told[1].contains("spec.resources.limits.cpu has no effect"), "{told:?}");
    let told = warnings("a.wasm", "  handler: a.wasm:main");
    assert!(told[0].contains("spec.handler names \"main\", which has no effect"), "{told:?}");
    assert!(warnings("a.wasm", "  handler: a.wasm").is_empty());
    assert!(warnings("a.wasm", "  sandbox: {network: false}").is_empty());
}
