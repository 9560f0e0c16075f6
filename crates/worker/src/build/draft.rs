//! A package being written: every entry is checked and counted while it is.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tidemill_core::{Digest, ports::BuildError};

use super::entry::{is_junk, normalise, stays_inside};

/// The most files, links and folders.
const ENTRIES_MAX: usize = 10_000;
/// The most bytes of all files together.
const BYTES_MAX: u64 = 1 << 30;
/// A package may unpack to this many times its size, and [`RATIO_FREE_BYTES`].
const RATIO_MAX: u64 = 200;
const RATIO_FREE_BYTES: u64 = 16 << 20;

enum Content {
    File { sha256: [u8; 32], is_executable: bool },
    Link(String),
}

/// See the module. The folder is removed when this is dropped before it was given its place.
pub(crate) struct Draft {
    directory: PathBuf,
    /// How error messages call the package.
    name: String,
    bytes_max: u64,
    bytes: u64,
    entries: usize,
    files: BTreeMap<String, Content>,
}

/// An entry that may not be.
fn refuse<T>(package: &str, entry: &str, why: &str) -> Result<T, BuildError> {
    let entry: String = entry.chars().take(200).collect();
    Err(BuildError::Package(format!("{package}: {entry:?} {why}")))
}

pub(crate) fn disk(what: impl Into<String>) -> impl FnOnce(io::Error) -> BuildError {
    let what = what.into();
    move |source| BuildError::Io { what, source }
}

impl Draft {
    /// Begins a package called `name` that takes `packed_bytes` packed, in the new folder `directory`.
    pub fn new(directory: PathBuf, name: &str, packed_bytes: u64) -> Result<Draft, BuildError> {
        fs::create_dir(&directory).map_err(disk("a package cannot be unpacked"))?;
        let bytes_max = BYTES_MAX.min(packed_bytes.saturating_mul(RATIO_MAX).saturating_add(RATIO_FREE_BYTES));
        Ok(Draft { directory, name: name.to_owned(), bytes_max, bytes: 0, entries: 0, files: BTreeMap::new() })
    }

    fn count(&mut self) -> Result<(), BuildError> {
        self.entries += 1;
        if self.entries > ENTRIES_MAX {
            return Err(BuildError::Package(format!("{}: it has more than {ENTRIES_MAX} entries", self.name)));
        }
        Ok(())
    }

    /// The path in its one form; `None` for what is to be left out.
    fn check(&mut self, path: &str) -> Result<Option<String>, BuildError> {
        self.count()?;
        let normal = match normalise(path) {
            Ok(normal) => normal,
            Err(why) => return refuse(&self.name, path, &why),
        };
        if normal.is_empty() || is_junk(&normal) {
            return Ok(None);
        }
        for (end, _) in normal.match_indices('/') {
            if self.files.contains_key(&normal[..end]) {
                return refuse(&self.name, path, "lies in something that is no folder");
            }
        }
        Ok(Some(normal))
    }

    fn check_new(&mut self, path: &str) -> Result<Option<String>, BuildError> {
        let Some(normal) = self.check(path)? else { return Ok(None) };
        if self.files.contains_key(&normal) {
            return refuse(&self.name, path, "is there twice");
        }
        if self.directory.join(&normal).is_dir() {
            return refuse(&self.name, path, "is a file and a folder");
        }
        Ok(Some(normal))
    }

    /// A folder.
    pub fn folder(&mut self, path: &str) -> Result<(), BuildError> {
        let Some(normal) = self.check(path)? else { return Ok(()) };
        if self.files.contains_key(&normal) {
            return refuse(&self.name, path, "is a file and a folder");
        }
        fs::create_dir_all(self.directory.join(&normal)).map_err(disk(format!("{normal} cannot be unpacked")))
    }

    /// A symbolic link. It is made when everything else is there, the folders that links lie in too: so nothing is ever written through
    /// one, and none takes the place of a folder, in whatever order they come.
    pub fn link(&mut self, path: &str, target: &str) -> Result<(), BuildError> {
        let Some(normal) = self.check_new(path)? else { return Ok(()) };
        self.make_folder_of(&normal)?;
        self.files.insert(normal, Content::Link(target.to_owned()));
        Ok(())
    }

    /// Makes the folder that `path` lies in, while there are no links on disk.
    fn make_folder_of(&self, path: &str) -> Result<(), BuildError> {
        let target = self.directory.join(path);
        let folder = target.parent().expect("it lies in the draft");
        fs::create_dir_all(folder).map_err(disk(format!("{path} cannot be unpacked")))
    }

    /// A file. Programs are executable whatever `is_executable` says: they begin like one.
    pub fn file(&mut self, path: &str, is_executable: bool, content: &mut dyn Read) -> Result<(), BuildError> {
        let Some(normal) = self.check_new(path)? else { return Ok(()) };
        self.make_folder_of(&normal)?;
        let target = self.directory.join(&normal);
        let failed = || format!("{normal} cannot be unpacked");
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&target).map_err(disk(failed()))?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0u8; 64 * 1024];
        let mut start = Vec::new();
        loop {
            let read = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return refuse(&self.name, path, &format!("is damaged: {error}")),
            };
            self.bytes += read as u64;
            if self.bytes > self.bytes_max {
                let why = format!("makes the package larger than {} bytes unpacked, which is too much", self.bytes_max);
                return refuse(&self.name, path, &why);
            }
            if start.len() < 4 {
                start.extend_from_slice(&buffer[..read.min(4)]);
            }
            hash.update(&buffer[..read]);
            file.write_all(&buffer[..read]).map_err(disk(failed()))?;
        }
        let is_executable = is_executable || start.starts_with(b"#!") || start.starts_with(b"\x7fELF");
        if is_executable {
            file.set_permissions(fs::Permissions::from_mode(0o755)).map_err(disk(failed()))?;
        }
        self.files.insert(normal, Content::File { sha256: hash.finalize().into(), is_executable });
        Ok(())
    }

    /// The only folder at the root when there is nothing else.
    fn only_folder(&self) -> Option<String> {
        let (first, _) = self.files.keys().next()?.split_once('/')?;
        let prefix = format!("{first}/");
        self.files.keys().all(|path| path.starts_with(&prefix)).then(|| first.to_owned())
    }

    /// Makes the links, finds the digest of a package with the name `stem`, and moves it to its place in `packages`, where it may
    /// already be.
    pub fn place(mut self, stem: &str, packages: &Path) -> Result<(Digest, PathBuf), BuildError> {
        if !self.files.values().any(|content| matches!(content, Content::File { .. })) {
            return Err(BuildError::Package(format!("{}: it holds no files", self.name)));
        }
        let mut root = self.directory.clone();
        if let Some(folder) = self.only_folder() {
            root = root.join(&folder);
            let files = std::mem::take(&mut self.files);
            self.files =
                files.into_iter().map(|(path, content)| (path[folder.len() + 1..].to_owned(), content)).collect();
        }
        for (path, content) in &self.files {
            let Content::Link(target) = content else { continue };
            if !stays_inside(path, target) {
                return refuse(&self.name, path, "is a link that may lead out of the package");
            }
            symlink(target, root.join(path)).map_err(disk(format!("{path} cannot be unpacked")))?;
        }
        let digest = self.digest(stem);
        let home = packages.join(digest.as_str());
        let failed = "a package cannot be put in its place";
        // One call for all files; without it a power cut could leave a package of empty ones.
        let folder = fs::File::open(&root).map_err(disk(failed))?;
        rustix::fs::syncfs(&folder).map_err(io::Error::from).map_err(disk(failed))?;
        match fs::rename(&root, &home) {
            Err(_) if home.is_dir() => {}
            result => result.map_err(disk(failed))?,
        }
        Ok((digest, home))
    }

    /// SHA-256 over the name of the package, by which a handler may name its script, and the sorted entries: path, kind with mode bit, content.
    fn digest(&self, stem: &str) -> Digest {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        field(stem.as_bytes());
        for (path, content) in &self.files {
            field(path.as_bytes());
            match content {
                Content::File { sha256, is_executable } => {
                    field(if *is_executable { b"program" } else { b"file" });
                    field(sha256);
                }
                Content::Link(target) => {
                    field(b"link");
                    field(target.as_bytes());
                }
            }
        }
        to_digest(&hash.finalize())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The digest of a package without files.
pub(crate) fn digest_of_nothing() -> Digest {
    to_digest(&Sha256::new().finalize())
}

/// A SHA-256 as text.
pub(crate) fn to_digest(bytes: &[u8]) -> Digest {
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.parse().expect("32 bytes are 64 digits")
}
