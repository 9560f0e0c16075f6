//! The guests that `scripts/wasm-guests` builds.

use std::{path::PathBuf, process::Command, sync::OnceLock};

/// The folder they are in; built when they are not there.
pub fn guests() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let output = Command::new(super::repository().join("scripts/wasm-guests")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the guests cannot be built: {said}");
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    };
    FOLDER.get_or_init(build).clone()
}
