//! How a package becomes an environment.

use serde::{Deserialize, Serialize};

/// Steps that prepare a package's environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Build {
    /// Shell commands, run in the environment's folder before dependencies are installed, as in `pip install numpy`.
    pub commands: Vec<String>,
    /// Further lines for `requirements.txt` (Python) or `name@version` specs (Node.js).
    pub requirements: Vec<String>,
    /// How long the build may take, in seconds; `None` is 3600, 0 or less is no limit.
    pub build_timeout_seconds: Option<i64>,
}
