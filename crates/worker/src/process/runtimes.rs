//! The wrappers of Python and Node.js, carried in this program and written to disk once.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sha2::{Digest, Sha256};
use tidemill_core::spec::Runtime;

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

/// Compiles the Python wrapper for `program` ahead, so that each start need not. Best effort; waits for it.
pub(crate) fn compile(runtime: &Runtime, program: &Path, home: &Path) {
    if matches!(runtime, Runtime::Python(_)) {
        let mut command = Command::new(program);
        command.args(["-I", "-m", "compileall", "-q"]).arg(home.join("python"));
        let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
