//! Language environments.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A language environment that this version runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Runtime {
    /// CPython ≥ 3.9; a version as in `python:3.11` asks for that interpreter. `None` takes `python3` of the `PATH`, and the
    /// newest `python3.N` there only if that one is too old or does not answer.
    Python(Option<String>),
    /// Node.js ≥ 18.
    Nodejs,
    /// Any executable: the body on stdin, stdout is the reply. One process an event.
    Shell,
    /// An executable that speaks the worker protocol itself.
    Binary,
    /// A container image; how it is run and talked to stands in the function's [`super::Container`].
    Image,
    /// A WebAssembly component or command module, run inside the program itself: a fresh instance an event.
    Wasm,
    /// Posts the event to the URL that is the handler. The answer's status decides whether it is tried again.
    Webhook,
}

/// A word that names no runtime of this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a runtime; there are python (or python:3.11 and the like), nodejs, shell, binary, wasm, image and webhook"
)]
pub struct UnknownRuntime(pub String);

impl FromStr for Runtime {
    type Err = UnknownRuntime;

    fn from_str(text: &str) -> Result<Self, UnknownRuntime> {
        let unknown = || UnknownRuntime(text.to_owned());
        match text {
            "python" | "python3" => Ok(Runtime::Python(None)),
            "nodejs" | "node" => Ok(Runtime::Nodejs),
            "shell" => Ok(Runtime::Shell),
            "binary" => Ok(Runtime::Binary),
            "wasm" => Ok(Runtime::Wasm),
            "image" => Ok(Runtime::Image),
            "webhook" => Ok(Runtime::Webhook),
            _ => {
                let version = text.strip_prefix("python:").ok_or_else(unknown)?;
                let is_version = !version.is_empty() && version.split('.').all(|part| part.parse::<u16>().is_ok());
                is_version.then(|| Runtime::Python(Some(version.to_owned()))).ok_or_else(unknown)
            }
        }
    }
}

impl TryFrom<String> for Runtime {
    type Error = UnknownRuntime;

    fn try_from(text: String) -> Result<Self, UnknownRuntime> {
        text.parse()
    }
}

impl From<Runtime> for String {
    fn from(runtime: Runtime) -> String {
        runtime.to_string()
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Runtime::Python(None) => f.pad("python"),
            Runtime::Python(Some(version)) => f.pad(&format!("python:{version}")),
            Runtime::Nodejs => f.pad("nodejs"),
            Runtime::Shell => f.pad("shell"),
            Runtime::Binary => f.pad("binary"),
            Runtime::Wasm => f.pad("wasm"),
            Runtime::Image => f.pad("image"),
            Runtime::Webhook => f.pad("webhook"),
        }
    }
}
