//! Finding interpreters. What was found is remembered as long as the builder lives.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tidemill_core::ports::BuildError;
use tokio::sync::Mutex;

use super::BuilderConfig;

/// An interpreter that was asked who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// The program itself, not a script that chooses one.
    pub program: PathBuf,
    /// As in `3.11.7`.
    pub version: String,
}

impl Interpreter {
    /// The first two numbers of the version.
    pub(crate) fn release(&self) -> (u32, u32) {
        let mut numbers = self.version.split('.').map(|part| part.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }

    /// Whether its version is `wish` or begins with it.
    fn is_of(&self, wish: &str) -> bool {
        self.version.strip_prefix(wish).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// The oldest releases that the wrappers run on.
const PYTHON_MIN: (u32, u32) = (3, 9);
const NODE_MIN: (u32, u32) = (18, 0);
/// The newest Python release that is looked for by name.
const PYTHON_MINOR_MAX: u32 = 20;
/// How long an interpreter has to say who it is, or which pip it has.
pub(crate) const ASK_TIMEOUT: Duration = Duration::from_secs(20);

const ASK_PYTHON: &str = "import sys; print(sys.executable); print('.'.join(map(str, sys.version_info[:3])))";
const ASK_NODE: &str = "process.execPath + '\\n' + process.versions.node";

/// Finds interpreters and programs.
pub(crate) struct Interpreters {
    python: Option<PathBuf>,
    node: Option<PathBuf>,
    search_path: OsString,
    environment: Vec<(OsString, OsString)>,
    found: Mutex<BTreeMap<String, Interpreter>>,
}

impl Interpreters {
    pub fn new(config: &BuilderConfig) -> Interpreters {
        let mut environment = config.environment.clone();
        environment.push(("PATH".into(), config.search_path.clone()));
        Interpreters {
            python: config.python.clone(),
            node: config.node.clone(),
            search_path: config.search_path.clone(),
            environment,
            found: Mutex::default(),
        }
    }

    /// A Python of version `wish`, or the one that `python3` stands for.
    pub async fn python(&self, wish: Option<&str>) -> Result<Interpreter, BuildError> {
        let mut candidates: Vec<PathBuf> = self.python.iter().cloned().collect();
        let mut names = vec!["python3".to_owned()];
        match wish {
            Some(wish) => names.insert(0, format!("python{}", wish.split('.').take(2).collect::<Vec<_>>().join("."))),
            None => names.extend((PYTHON_MIN.1..=PYTHON_MINOR_MAX).rev().map(|minor| format!("python3.{minor}"))),
        }
        candidates.extend(names.iter().filter_map(|name| find_program(&self.search_path, name)));
        let key = format!("python:{}", wish.unwrap_or(""));
        let fits = |found: &Interpreter| found.release() >= PYTHON_MIN && wish.is_none_or(|wish| found.is_of(wish));
        let what = match wish {
            Some(wish) => format!("Python {wish}"),
            None => format!("Python of at least {}.{}", PYTHON_MIN.0, PYTHON_MIN.1),
        };
        self.first(&key, &what, "TIDEMILL_PYTHON", candidates, &["-I", "-c", ASK_PYTHON], fits).await
    }

    /// A Node.js.
    pub async fn node(&self) -> Result<Interpreter, BuildError> {
        let mut candidates: Vec<PathBuf> = self.node.iter().cloned().collect();
        candidates.extend(["node", "nodejs"].iter().filter_map(|name| find_program(&self.search_path, name)));
        let what = format!("Node.js of at least {}", NODE_MIN.0);
        self.first("node", &what, "TIDEMILL_NODE", candidates, &["-p", ASK_NODE], |it| it.release() >= NODE_MIN).await
    }

    async fn first(
        &self,
        key: &str,
        what: &str,
        variable: &str,
        candidates: Vec<PathBuf>,
        question: &[&str],
        fits: impl Fn(&Interpreter) -> bool + Send,
    ) -> Result<Interpreter, BuildError> {
        let mut found = self.found.lock().await;
        if let Some(interpreter) = found.get(key) {
            return Ok(interpreter.clone());
        }
        let mut others = Vec::new();
        for candidate in candidates {
            match self.ask(&candidate, question).await {
                Some(interpreter) if fits(&interpreter) => {
                    found.insert(key.to_owned(), interpreter.clone());
                    return Ok(interpreter);
                }
                Some(other) => others.push(format!("{} is {}", candidate.display(), other.version)),
                None => others.push(format!("{} does not answer", candidate.display())),
            }
        }
        let seen = if others.is_empty() { "none was found in PATH".to_owned() } else { others.join(", ") };
        Err(BuildError::Runtime(format!("there is no {what}: {seen}; {variable} may name one")))
    }

    async fn ask(&self, candidate: &Path, question: &[&str]) -> Option<Interpreter> {
        let mut command = tokio::process::Command::new(candidate);
        command.args(question).current_dir("/").env_clear().envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(ASK_TIMEOUT, command.output()).await.ok()?.ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let mut lines = text.lines();
        let (program, version) = (lines.next()?, lines.next()?);
        let is_sound = output.status.success() && program.starts_with('/') && version.contains('.');
        is_sound.then(|| Interpreter { program: program.into(), version: version.to_owned() })
    }
}

/// Finds an executable by name.
pub(crate) fn find_program(search_path: &OsStr, name: &str) -> Option<PathBuf> {
    std::env::split_paths(search_path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_absolute() && is_program(path))
}

/// Whether `path` is a file that may be run.
pub(crate) fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
