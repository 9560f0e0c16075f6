//! Processes that a case was to leave behind.

use std::fs;

use crate::verdict::{Answer, Verdict};

/// Whether `sleep TOKEN` runs somewhere on this machine.
pub fn verdict(token: &str) -> Answer {
    let wanted = format!("sleep\0{token}\0");
    let is_it = |entry: fs::DirEntry| {
        fs::read_to_string(entry.path().join("cmdline")).is_ok_and(|line| line.ends_with(&wanted))
    };
    if fs::read_dir("/proc").unwrap().flatten().any(is_it) {
        Answer::new(Verdict::Escaped, "it lives on without its server")
    } else {
        Answer::new(Verdict::Held, "nothing of it is left")
    }
}
