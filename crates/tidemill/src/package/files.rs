//! The files of a folder that belong to a function.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Ignored, unreadable};
use crate::failure::Failure;

/// The most files of a package; as many as the server unpacks.
const FILES_MAX: usize = 10_000;
/// The most bytes of a package, unpacked; as many as the server unpacks.
const BYTES_MAX: u64 = 1 << 30;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name in the package, with `/`.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it may be executed.
    pub is_executable: bool,
    /// When it was last changed, in nanoseconds since the epoch.
    pub changed_nanos: u128,
}

/// The files below `folder` (an absolute path without links), sorted by name, without what is ignored.
pub fn files(folder: &Path) -> Result<Vec<Entry>, Failure> {
    let mut walk = Walk { root: folder, ignored: Ignored::of(folder), entries: Vec::new(), bytes: 0 };
    walk.folder(folder, "")?;
    walk.entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(walk.entries)
}

/// One file by itself (an absolute path without links).
pub fn file(path: &Path) -> Result<Entry, Failure> {
    let about = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    Ok(entry(path.to_owned(), name, &about))
}

fn entry(path: PathBuf, name: String, about: &fs::Metadata) -> Entry {
    let changed = about.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    Entry {
        path,
        name,
        size: about.len(),
        is_executable: is_executable(about),
        changed_nanos: changed.map_or(0, |since| since.as_nanos()),
    }
}

struct Walk<'a> {
    root: &'a Path,
    ignored: Ignored,
    entries: Vec<Entry>,
    bytes: u64,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), Failure> {
        for item in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
            let path = item.map_err(|error| unreadable(folder, &error))?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or_else(|| Failure::fixable(format!("the name of {} is not UTF-8", path.display())))?;
            let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            let about = match fs::symlink_metadata(&path) {
                Ok(about) => about,
                // Gone since the folder was read, as editors' temporary files are.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unreadable(&path, &error)),
            };
            if self.ignored.leaves_out(&name, about.is_dir()) {
                continue;
            }
            if about.is_dir() {
                self.folder(&path, &name)?;
            } else if about.is_symlink() {
                self.link(path, name)?;
            } else if about.is_file() {
                self.file(path, name, &about)?;
            } else {
                return Err(Failure::fixable(format!("{} is neither a file nor a folder", path.display()))
                    .hint("name it in .tidemillignore if the function does not need it"));
            }
        }
        Ok(())
    }

    /// A link to a file of the folder is packed as that file.
    fn link(&mut self, path: PathBuf, name: String) -> Result<(), Failure> {
        let refuse = |why: &str| {
            Failure::fixable(format!("{} is a link {why}", path.display()))
                .hint("name it in .tidemillignore if the function does not need it")
        };
        let target = fs::canonicalize(&path).map_err(|_| refuse("to nothing"))?;
        if !target.starts_with(self.root) {
            return Err(refuse("out of the folder"));
        }
        let about = fs::metadata(&target).map_err(|error| unreadable(&path, &error))?;
        if !about.is_file() {
            return Err(refuse("to something other than a file"));
        }
        self.file(target, name, &about)
    }

    fn file(&mut self, path: PathBuf, name: String, about: &fs::Metadata) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(about.len());
        if self.entries.len() == FILES_MAX || self.bytes > BYTES_MAX {
            return Err(Failure::fixable(format!(
                "{} holds more than {FILES_MAX} files or {} MiB",
                self.root.display(),
                BYTES_MAX >> 20
            ))
            .hint("name what the function does not need in .tidemillignore"));
        }
        self.entries.push(entry(path, name, about));
        Ok(())
    }
}

#[cfg(unix)]
fn is_executable(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}
