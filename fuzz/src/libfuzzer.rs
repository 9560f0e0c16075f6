//! The program that libFuzzer runs in: one target, named by `TIDEMILL_FUZZ_TARGET`. See `scripts/fuzz`.
#![no_main]

use std::sync::LazyLock;

use tidemill_fuzz::{Target, attempt, find};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("TIDEMILL_FUZZ_TARGET").unwrap_or_default();
    find(&name).expect("TIDEMILL_FUZZ_TARGET names a target")
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    attempt::run(&TARGET, input);
});
