//! Texts that want to do harm.

use proptest::prelude::*;

use super::*;
use crate::manifest::{
    check::check,
    keys::{ENVELOPE, Shape},
    limits::NODES_MAX,
    problem::{Path, Report},
    yaml,
};

/// Pieces from which lifelike and broken documents are put together.
const PIECES: &[&str] = &[
    "metadata",
    "spec",
    "triggers",
    "kind",
    "http",
    "cron",
    "attributes",
    "schedule",
    "env",
    "name",
    "value",
    ": ",
    ":",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
    "<<",
    "!!str ",
    "!x ",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "#",
    "? ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\t",
    "128Mi",
    "30s",
    "-1",
    "0x1F",
    ".nan",
    "true",
    "~",
    "ä",
    "\u{feff}",
    "\u{85}",
    "\\u0000",
    "@every 1s",
    "99999999999999999999",
];

fn pieces() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..120).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_document_makes_it_panic(text in pieces()) {
        if let Err(error) = read(&text) {
            prop_assert!(!error.problems.is_empty());
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn no_quantity_or_word_makes_it_panic(text in "\\PC{0,30}") {
        let quoted = serde_json::to_string(&text).unwrap();
        for place in [
            "resources: {limits: {memory: @, cpu: @}}", "eventTimeout: @", "runtime: @", "handler: @", "env: [{name: @, value: @}]",
            "triggers: {@: {kind: @}}", "triggers: {a: {kind: cron, attributes: {schedule: @, timeZone: @}}}",
            "triggers: {a: {kind: http, attributes: {paths: [@], hosts: [@], ingresses: {@: {host: @, paths: [@]}}}}}",
        ] {
            let _ = spec(&format!("  {}", place.replace('@', &quoted)));
        }
    }

    #[test]
    fn aliases_never_write_out_more_than_the_bound(width in 1usize..30, levels in 1usize..30) {
        let mut text = String::from("a0: &a0 [x]\n");
        for level in 1..levels {
            let aliases = vec![format!("*a{}", level - 1); width].join(",");
            text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        if let Ok(node) = yaml::parse(&text) {
            prop_assert!(count(&node) <= NODES_MAX);
        }
    }
}

fn count(node: &yaml::Node) -> usize {
    1 + match &node.value {
        yaml::Value::Scalar { .. } => 0,
        yaml::Value::List(items) => items.iter().map(count).sum(),
        yaml::Value::Map(members) => members.iter().map(|member| count(&member.node)).sum(),
    }
}

#[test]
fn the_largest_texts_are_read_or_refused() {
    let long = "x".repeat(1_000_000);
    for text in [
        "[".repeat(1_000_000),
        "{".repeat(1_000_000),
        "- ".repeat(500_000),
        "? ".repeat(500_000),
        "a: ".repeat(300_000),
        "&a ".repeat(300_000),
        "\"".repeat(1_000_000),
        "#".repeat(1_000_000),
        " ".repeat(1_000_000),
        "\n".repeat(1_000_000),
        "a: b\n".repeat(200_000),
        format!("spec: {{runtime: {long}}}"),
        format!("spec: {{eventTimeout: '{long}'}}"),
        format!("{long}: 1"),
        format!("a: &a {long}\nb: [{}]", vec!["*a"; 10_000].join(",")),
        format!("spec:\n{}", (0..40_000).map(|index| format!("  k{index}: 1\n")).collect::<String>()),
        format!("spec:\n  env:\n{}", "  - {name: A, value: b}\n".repeat(15_000)),
        format!(
            "spec:\n  triggers:\n{}",
            (0..20_000).map(|index| format!("    t{index}: {{kind: http}}\n")).collect::<String>()
        ),
    ] {
        if let Err(error) = read(&text) {
            assert!(error.to_string().len() < 100_000);
        }
    }
}

#[test]
fn a_deep_path_is_not_written_out_for_each_value() {
    let mut text = String::new();
    for depth in 0..50 {
        text.push_str(&format!("{}{}:\n", " ".repeat(depth), "k".repeat(200)));
    }
    let node = yaml::parse(&text).unwrap();
    let mut report = Report::new(None, 1, true);
    check(&node, &Shape::Object(ENVELOPE), Path::ROOT, &mut report);
    assert_eq!(report.finish().unwrap_err().problems.len(), 1);
}
