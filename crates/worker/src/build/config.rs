//! The settings of a builder.

use std::{ffi::OsString, path::PathBuf};

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
    /// The environment of install and build commands, `PATH` left out.
    pub environment: Vec<(OsString, OsString)>,
}

/// What install commands may see of an environment: where to go, how to get there, whom to trust.
const PASSED: [&str; 14] = [
    "HOME",
    "LANG",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];
const PASSED_PREFIXES: [&str; 4] = ["PIP_", "NPM_CONFIG_", "npm_config_", "LC_"];

impl BuilderConfig {
    /// The defaults, with `directory` as the data folder and the usual folders as search path.
    pub fn new(directory: impl Into<PathBuf>) -> BuilderConfig {
        BuilderConfig {
            directory: directory.into(),
            python: None,
            node: None,
            search_path: "/usr/local/bin:/usr/bin:/bin".into(),
            environment: Vec::new(),
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
                _ if PASSED.contains(&text) || PASSED_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) => {
                    self.environment.push((name, value));
                }
                _ => {}
            }
        }
        self
    }
}
