//! Packages and their environments, on disk under their digests.
//!
//! ```text
//! <data>/packages/<digest>/        the files of a package, checked
//! <data>/packages/<digest>.stem    the name it was handed in with, which the digest counts too
//! <data>/environments/<digest>/    a virtualenv or a node_modules; `.complete` says that its build succeeded
//! <data>/builds/<process>-<number>/  what a build needs beside the environment while it goes on
//! ```
//!
//! A package is unpacked beside its place and renamed into it, so what has a digest for a name is whole. An environment
//! cannot be moved, so it is built in place under a lock, and one without `.complete` is begun afresh. Leftovers of a
//! process that died are removed at the next start. What builds run is somebody else's code: it goes on in a [`site`], which is a
//! sandbox unless that is switched off. Nothing here removes packages or environments that are no longer used.

mod archive;
mod command;
mod config;
mod draft;
mod entry;
mod environments;
mod interpreter;
mod manifest;
mod node;
mod package;
mod packages;
mod program;
mod python;
mod reading;
mod room;
mod site;
mod sweeper;
mod tree;
mod variables;

pub use config::{BuildLimits, BuilderConfig};
pub use interpreter::Interpreter;
#[cfg(feature = "docker")]
pub(crate) use node::has_dependencies;
#[cfg(feature = "docker")]
pub(crate) use package::Key;
pub use package::PackageBuilder;
#[cfg(feature = "docker")]
pub(crate) use python::{lines as requirement_lines, names_a_file};
#[cfg(feature = "docker")]
pub(crate) use reading::text as text_of_package;

/// What the fuzz targets reach of it.
#[cfg(feature = "fuzzing")]
pub(crate) mod unpacking {
    pub(crate) use super::{manifest::inline, packages::Packages};
}

#[cfg(test)]
mod tests;
