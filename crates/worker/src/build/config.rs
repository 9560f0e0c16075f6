//! The settings of a builder.

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use super::variables::is_passed;
use crate::sandbox::Sandbox;

/// The settings of a [`crate::PackageBuilder`].
#[derive(Clone, Debug)]
pub struct BuilderConfig {
    /// The data folder; see the module for what is kept in it.
    pub directory: PathBuf,
    /// The Python interpreter to prefer (`TIDEMILL_PYTHON`).
    pub python: Option<PathBuf>,
    /// The Node.js interpreter to prefer (`TIDEMILL_NODE`).
    pub node: Option<PathBuf>,
    /// Where interpreters and programs are looked for (`PATH`).
    pub search_path: OsString,
    /// The environment of install and build commands, `PATH` left out; in a sandbox without what is the server's own of it.
    pub environment: Vec<(OsString, OsString)>,
    /// What commands are put into; `None` for nothing.
    pub sandbox: Option<Arc<Sandbox>>,
    /// What a build may use, in a sandbox.
    pub limits: BuildLimits,
}

/// What one build may use in the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildLimits {
    /// Memory of a command and all that it starts, in bytes, where a control group can hold it.
    pub memory_bytes: Option<u64>,
    /// Processes and threads of a command.
    pub processes_max: u64,
    /// The environment and what else the build keeps on disk meanwhile, in bytes.
    pub disk_bytes: u64,
    /// Builds that go on at once.
    pub concurrency: u32,
}

impl Default for BuildLimits {
    fn default() -> BuildLimits {
        BuildLimits { memory_bytes: Some(4 << 30), processes_max: 1024, disk_bytes: 16 << 30, concurrency: 4 }
    }
}

impl BuilderConfig {
    /// The defaults, with `directory` as the data folder, the usual folders as search path and no sandbox.
    pub fn new(directory: impl Into<PathBuf>) -> BuilderConfig {
        BuilderConfig {
            directory: directory.into(),
            python: None,
            node: None,
            search_path: "/usr/local/bin:/usr/bin:/bin".into(),
            environment: Vec::new(),
            sandbox: None,
            limits: BuildLimits::default(),
        }
    }

    /// Takes from `variables`, which is a process's environment, what a builder uses: the interpreters, the search path, and
    /// for install commands proxies, certificates and the settings of pip and npm.
    #[must_use]
    pub fn with_variables(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> BuilderConfig {
        for (name, value) in variables {
            let Some(text) = name.to_str() else { continue };
            match text {
                "PATH" => self.search_path = value,
                "TIDEMILL_PYTHON" if !value.is_empty() => self.python = Some(value.into()),
                "TIDEMILL_NODE" if !value.is_empty() => self.node = Some(value.into()),
                _ if is_passed(text) => self.environment.push((name, value)),
                _ => {}
            }
        }
        self
    }
}
