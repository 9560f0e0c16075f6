//! Ends in words.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use super::how_it_ended;

#[test]
fn ends_are_named() {
    assert_eq!(how_it_ended(ExitStatus::from_raw(3 << 8)), "exited with code 3");
    assert_eq!(how_it_ended(ExitStatus::from_raw(11)), "was killed by SIGSEGV");
    assert_eq!(how_it_ended(ExitStatus::from_raw(40)), "was killed by signal 40");
}
