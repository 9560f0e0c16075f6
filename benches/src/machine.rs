//! What a number was measured on.

use std::{fs, process::Command, time::Duration};

/// One paragraph: revision, processor, kernel, rounds.
pub fn describe(rounds: usize, round: Duration) -> String {
    let processor = fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            Some(text.lines().find(|line| line.starts_with("model name"))?.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| "an unnamed processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "Revision {}, {cores} cores of {processor}, Linux {}. Load generator on the same machine; median of {rounds} \
         rounds of {round:?}; what is compared takes turns.",
        output("git", &["rev-parse", "--short", "HEAD"]),
        kernel.trim(),
    )
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    if text.is_empty() { "unknown".to_owned() } else { text }
}
