//! How a package becomes an environment.

use serde::{Deserialize, Serialize};

/// The file of a package that lists what a Python function depends on.
pub const PYTHON_REQUIREMENTS: &str = "requirements.txt";
/// The file of a package that lists what a Node.js function depends on.
pub const NODE_MANIFEST: &str = "package.json";
/// The files of a package by which something may be installed for it. No builder reads such a list from any other.
pub const DEPENDENCY_FILES: [&str; 2] = [PYTHON_REQUIREMENTS, NODE_MANIFEST];

/// Steps that prepare a package's environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Build {
    /// Shell commands, run in the environment's folder before dependencies are installed, as in `pip install numpy`.
    pub commands: Vec<String>,
    /// Further lines for `requirements.txt` (Python) or `name@version` specs (Node.js).
    pub requirements: Vec<String>,
    /// How long the build may take, in seconds; `None` is 3600, 0 or less is as long as any may take, two hours.
    pub build_timeout_seconds: Option<i64>,
}
