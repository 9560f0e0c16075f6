use super::*;

#[test]
fn everything_wrong_is_told_at_once() {
    let text = "\
metadata:
  nmae: hello
spec:
  hander: hello:run
  runtime: golang
  minReplicas: 3
  maxReplicas: two
  triggers:
    web:
      kind: http
      kind: http
    clock:
      kind: crom
handler: x
";
    let error = read(text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "\
function.yaml:2:3: metadata.nmae: this key is not known
hint: did you mean \"name\"?
function.yaml:4:3: spec.hander: this key is not known
hint: did you mean \"handler\"?
function.yaml:5:12: spec.runtime: this version does not have the runtime \"golang\" yet
hint: there are python (or python:3.11 and the like), nodejs, shell, binary, wasm, image and webhook
function.yaml:7:16: spec.maxReplicas: expected a whole number, found the text \"two\"
function.yaml:11:7: spec.triggers.web.kind: the key is given twice
hint: the first one stands on line 10
function.yaml:13:13: spec.triggers.clock.kind: \"crom\" is not a kind of trigger; there are http, cron, message
hint: did you mean \"cron\"?
function.yaml:14:1: handler: this key is not known
hint: \"handler\" belongs in spec"
    );
    let first = &error.problems[0];
    assert_eq!((first.line, first.column, first.path.as_str()), (Some(2), Some(3), "metadata.nmae"));
}

#[test]
fn what_is_no_mapping_is_refused() {
    assert_refused(read("- a"), "expected a mapping with metadata and spec, found a list");
    assert_refused(read("just text"), "found the text \"just text\"");
    assert_refused(read("spec: []"), "spec: expected a mapping, found a list");
    assert_refused(read("spec:\n\thandler: x"), "function.yaml:2:");
    assert_refused(read("a: 1\n---\nb: 2"), "there can be one only");
}

#[test]
fn many_problems_are_counted_not_listed() {
    let text: String = (0..5_000).map(|index| format!("key{index}: 1\n")).collect();
    let error = read(&text).unwrap_err();
    assert!(error.problems.len() <= 101, "{}", error.problems.len());
}
