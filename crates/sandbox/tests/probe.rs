//! What is found out about kernels that refuse something, as they do in containers: the rest is there all the same.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, process::Command};

/// What the probe says of each mechanism where `calls` are refused.
fn found(calls: &[&str]) -> BTreeMap<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidemill-sandbox"));
    let output = command.arg("probe").args(calls).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let pair = |line: &str| line.split_once(": ").map(|(name, state)| (name.to_owned(), state.to_owned()));
    text.lines().filter_map(pair).collect()
}

fn refused(found: &BTreeMap<String, String>) -> Vec<&str> {
    let refused = found.iter().filter(|(name, state)| state.starts_with("refused (") && !name.contains("by cgroup"));
    refused.map(|(name, _)| &**name).collect()
}

#[test]
fn without_namespaces_the_filter_and_the_rules_on_files_remain() {
    let found = found(&["unshare"]);
    let namespaces =
        ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"].map(|kind| format!("{kind} namespace"));
    assert_eq!(refused(&found), namespaces);
    assert_eq!(found["pid namespace"], "refused (make namespaces: Operation not permitted (os error 1))");
    assert!(found["landlock"].starts_with("level "));
}

#[test]
fn one_that_is_refused_takes_no_other_along() {
    assert_eq!(refused(&found(&[])), [""; 0]);
    assert_eq!(refused(&found(&["open_tree"])), ["mount namespace"]);
    assert_eq!(refused(&found(&["landlock_create_ruleset"])), ["landlock"]);
    assert_eq!(refused(&found(&["seccomp"])), ["seccomp"]);
}
