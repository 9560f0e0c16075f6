//! Finds the program under test.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail, ensure};

/// A private copy of the program in `directory`, so that a build in the midst of a test does not change it.
///
/// It is the file that `TIDEMILL_BIN` names; without that, cargo brings the one beside this test up to date.
pub fn copy_into(directory: &Path) -> anyhow::Result<PathBuf> {
    let source = match std::env::var_os("TIDEMILL_BIN") {
        Some(path) => PathBuf::from(path),
        None => built()?,
    };
    let copy = directory.join("program");
    std::fs::copy(&source, &copy).with_context(|| format!("cannot copy {}", source.display()))?;
    Ok(copy)
}

/// Builds the program with the profile that built this test, and says where it lies.
fn built() -> anyhow::Result<PathBuf> {
    let exe = std::env::current_exe()?;
    // target/debug/tidemill-crash or target/debug/deps/storm-0123456789abcdef
    let mut profile = exe.parent().context("the test lies in no directory")?;
    if profile.ends_with("deps") {
        profile = profile.parent().context("the test lies in no target directory")?;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace()).args(["build", "--quiet", "--package", "tidemill"]);
    command.arg("--target-dir").arg(profile.parent().context("the profile lies in no target directory")?);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().context("cannot run cargo; TIDEMILL_BIN can name the program instead")?;
    ensure!(status.success(), "cargo build --package tidemill failed");
    let program = profile.join("tidemill");
    if !program.is_file() {
        bail!("{} is not there after the build", program.display());
    }
    Ok(program)
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
