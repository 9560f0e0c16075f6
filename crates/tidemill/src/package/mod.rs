//! From a path to a package: a file is sent as it is, a folder as a tar.gz that is the same whenever its files are.

mod archive;
mod files;
mod ignore;

pub use files::{Entry, file, files};
pub use ignore::Ignored;

use std::{fs, path::Path};

use bytes::Bytes;
use tidemill_core::ports::Package;

use crate::failure::Failure;

/// Reads what lies at `path`: one source file, a zip, a tar, a tar.gz or a folder.
pub fn read(path: &Path) -> Result<Package, Failure> {
    let full = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
    let name = full.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Failure::fixable(format!("{} has no name of readable text", path.display())))?;
    if full.is_dir() {
        let files = files(&full)?;
        if files.is_empty() {
            return Err(Failure::fixable(format!("the folder {} holds no files", path.display()))
                .hint("put a source file in it, as in main.py; what .tidemillignore names does not count"));
        }
        let content = archive::pack(&files)?;
        return Ok(Package { file_name: format!("{name}.tar.gz"), content });
    }
    let content = fs::read(&full).map_err(|error| unreadable(path, &error))?;
    Ok(Package { file_name: name.to_owned(), content: Bytes::from(content) })
}

/// A package of one text file.
pub fn of_text(name: &str, text: &str) -> Result<Package, Failure> {
    Ok(Package { file_name: format!("{name}.tar.gz"), content: archive::pack_text(name, text)? })
}

/// The failure that `path` cannot be read.
fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let failure = Failure::fixable(format!("cannot read {}: {error}", path.display()));
    match error.kind() {
        std::io::ErrorKind::NotFound => failure.hint("give the path of a source file, a folder, a zip or a tar.gz"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests;
