//! The wrappers of Python and Node.js, carried in this program and written to disk once.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use sha2::{Digest, Sha256};
use tidemill_core::spec::Runtime;
use tokio::process::Command;

static FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/runtimes.rs"));

/// Writes the wrappers below `directory` under their digest, unless they are there, and returns where.
pub(crate) fn install(directory: &Path) -> io::Result<PathBuf> {
    let mut hash = Sha256::new();
    for (name, content) in FILES {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(content);
    }
    let digest: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    fs::create_dir_all(directory)?;
    let directory = fs::canonicalize(directory)?;
    let home = directory.join(&digest);
    if home.is_dir() {
        return Ok(home);
    }
    let draft = directory.join(format!(".{digest}-{}", std::process::id()));
    for (name, content) in FILES {
        let file = draft.join(name);
        fs::create_dir_all(file.parent().expect("it lies in the draft"))?;
        fs::write(file, content)?;
    }
    match fs::rename(&draft, &home) {
        // Somebody else was quicker, with the same content.
        Err(_) if home.is_dir() => fs::remove_dir_all(&draft)?,
        other => other?,
    }
    Ok(home)
}

/// Arguments, and further environment variables.
type CommandLine = (Vec<String>, Vec<(String, String)>);

/// What starts the wrapper for `runtime`. `None` for runtimes without one.
pub(crate) fn command_line(runtime: &Runtime, home: &Path) -> Option<CommandLine> {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    match runtime {
        Runtime::Python(_) => {
            let variables = [
                ("PYTHONPATH", text(home.join("python"))),
                ("PYTHONUNBUFFERED", "1".to_owned()),
                ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
                ("MALLOC_ARENA_MAX", "2".to_owned()),
            ];
            let variables = variables.map(|(name, value)| (name.to_owned(), value)).to_vec();
            Some((vec!["-m".to_owned(), "tidemill_worker".to_owned()], variables))
        }
        Runtime::Nodejs => Some((vec![text(home.join("nodejs").join(NODE_MAIN))], Vec::new())),
        Runtime::Shell | Runtime::Binary | Runtime::Wasm | Runtime::Image | Runtime::Webhook => None,
    }
}

const NODE_MAIN: &str = "worker.mjs";

/// How long compiling may take.
const COMPILE_TIMEOUT: Duration = Duration::from_secs(60);

/// Compiles the Python wrapper for `program` ahead, so that each start need not; waits for it. It runs outside of the sandbox, so it
/// loads nothing but what belongs to the interpreter.
pub(crate) async fn compile(runtime: &Runtime, program: &Path, home: &Path) {
    if matches!(runtime, Runtime::Python(_)) {
        let mut command = Command::new(program);
        command.args(["-I", "-m", "compileall", "-q"]).arg(home.join("python")).current_dir("/").env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        // A wrapper that is not compiled only starts slower.
        let _ = tokio::time::timeout(COMPILE_TIMEOUT, command.status()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// An interpreter that notes its environment and where it runs, and then is Python in the home folder `home`.
    fn interpreter(home: &Path) -> PathBuf {
        let program = home.join("python-of-test");
        let text = format!("#!/bin/sh\n{{ env; pwd; }} > {0}/noted\nHOME={0} exec python3 \"$@\"\n", home.display());
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    #[tokio::test]
    async fn compiling_loads_nothing_of_the_servers_user() {
        let home = tempfile::tempdir().unwrap();
        let program = interpreter(home.path());
        let place = "import sys; print('python%d.%d' % sys.version_info[:2])";
        // With the shell's own PATH, as the interpreter is found there without any.
        let version = Command::new(&program).args(["-c", place]).current_dir("/").env_clear().output().await.unwrap();
        let version = String::from_utf8(version.stdout).unwrap();
        let modules = home.path().join(".local/lib").join(version.trim()).join("site-packages");
        fs::create_dir_all(&modules).unwrap();
        let ran = home.path().join("ran");
        fs::write(modules.join("usercustomize.py"), format!("open({ran:?}, 'w').close()\n")).unwrap();
        let probe = Command::new(&program).args(["-c", ""]).current_dir("/").env_clear().status().await.unwrap();
        assert!(probe.success() && ran.exists(), "without -I it is loaded");
        fs::remove_file(&ran).unwrap();

        let wrappers = home.path().join("wrappers");
        fs::create_dir_all(wrappers.join("python")).unwrap();
        fs::write(wrappers.join("python/one.py"), "").unwrap();
        compile(&Runtime::Python(None), &program, &wrappers).await;
        assert!(wrappers.join("python/__pycache__").is_dir());
        assert!(!ran.exists());
        let noted = fs::read_to_string(home.path().join("noted")).unwrap();
        let known =
            |line: &str| line == "/" || ["PWD=", "_=", "SHLVL=", "OLDPWD="].iter().any(|name| line.starts_with(name));
        assert!(noted.lines().all(known), "{noted}");
    }
}
