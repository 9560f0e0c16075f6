//! Packages and the environments built for them.

use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{ProjectName, id::Digest, spec::FunctionSpec};

/// Code as it is handed in: one source file, a zip, a tar or a tar.gz.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its file name, as in `hello.py` or `thumbnail.tar.gz`: tells the kind and gives the function's default name.
    pub file_name: String,
    /// Its content.
    pub content: Bytes,
}

impl Package {
    /// A package without files, for the function `name` that needs none: all of it is its settings. It is called as a folder
    /// is, `name/`, which tells it from a file that happens to be empty.
    pub fn empty(name: &str) -> Package {
        Package { file_name: format!("{name}/"), content: Bytes::new() }
    }

    /// Whether it is one of [`Package::empty`].
    pub fn is_empty(&self) -> bool {
        self.content.is_empty() && self.file_name.ends_with('/')
    }
}

/// A configuration found in a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestText {
    /// The file it stands in, relative to the package.
    pub file: String,
    /// The line of `file` on which `text` begins, from 1.
    pub first_line: u32,
    /// YAML. For an inline configuration the comment characters are taken off (columns may shift, lines do not).
    pub text: String,
    /// Whether it is an inline configuration, whose content sits under the key `function.yaml`.
    pub inline: bool,
}

/// A package on disk, checked and immutable.
#[derive(Clone, Debug)]
pub struct Unpacked {
    /// The digest of its name and content: the same files under the same name give the same digest, however they were packed.
    pub digest: Digest,
    /// Where it lies.
    pub directory: PathBuf,
    /// The name given by file name or folder, without its extension.
    pub stem: String,
    /// Its files, relative, sorted, with `/`.
    pub files: Vec<String>,
    /// Its configuration, from `function.yaml` or a source comment.
    pub manifest: Option<ManifestText>,
}

/// What a package needs beside its own files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Folders for the module search path, after the package's own.
    pub paths: Vec<PathBuf>,
    /// The interpreter or, for shell and binary, the program. Absolute.
    pub program: PathBuf,
    /// The interpreter's version, as in `3.11.7`. Empty for shell and binary.
    pub version: String,
}

/// Told while a build goes on.
#[async_trait]
pub trait Progress: Send + Sync {
    /// One line of news, without a line end.
    fn line(&self, text: &str);

    /// Comes back when nobody wants what is built any more: the build is given up then. Never, unless it is said here.
    async fn given_up(&self) {
        std::future::pending().await
    }
}

/// Why a package could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The package is damaged, dangerous or incomplete. The text says what and where.
    #[error("{0}")]
    Package(String),
    /// No interpreter fits.
    #[error("{0}")]
    Runtime(String),
    /// An install or build command failed; `output` ends with its own message.
    #[error("{step} failed: {reason}\n{output}")]
    Command {
        /// What was done, as in `pip install -r requirements.txt`.
        step: String,
        /// How it ended.
        reason: String,
        /// The last lines that it printed.
        output: String,
    },
    /// Whoever wanted it is gone, or the server stops.
    #[error("the build was given up")]
    GivenUp,
    /// The disk or the system failed us.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Unpacks packages and builds environments. Packages are kept by name and content, environments for each project by all that goes into them.
#[async_trait]
pub trait Builder: Send + Sync {
    /// Checks a package and unpacks it under its digest.
    async fn unpack(&self, package: Package) -> Result<Unpacked, BuildError>;

    /// Finds a package unpacked before.
    async fn open(&self, digest: &Digest) -> Result<Unpacked, BuildError>;

    /// Makes the environment of a package for `spec`, or finds the one of `project` that was made of the same.
    async fn environment(
        &self,
        project: &ProjectName,
        unpacked: &Unpacked,
        spec: &FunctionSpec,
        progress: &dyn Progress,
    ) -> Result<Environment, BuildError>;

    /// Waits for some seconds at most until nothing is left of builds that were given up. For the end of a server.
    async fn close(&self) {}
}
