//! The folder of unpacked packages.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use tidemill_core::{
    Digest,
    ports::{BuildError, Package, Unpacked},
};

use super::{
    archive::{self, Format},
    draft::{Draft, digest_of_nothing, disk},
    manifest,
};

/// What drafts are called, so that leftovers are known.
const DRAFT_PREFIX: &str = ".draft-";

/// See the module.
pub(crate) struct Packages {
    directory: PathBuf,
    drafts: AtomicU64,
}

impl Packages {
    /// Opens the folder and removes what a process that died left in it.
    pub fn new(directory: PathBuf) -> std::io::Result<Packages> {
        fs::create_dir_all(&directory)?;
        let directory = fs::canonicalize(directory)?;
        for entry in fs::read_dir(&directory)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(DRAFT_PREFIX) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Packages { directory, drafts: AtomicU64::new(0) })
    }

    /// Checks `package` and unpacks it under its digest. Blocks.
    pub fn unpack(&self, package: &Package) -> Result<Unpacked, BuildError> {
        if package.is_empty() {
            return self.unpack_empty(package);
        }
        let format = Format::of(package)?;
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let draft = self.directory.join(format!("{DRAFT_PREFIX}{}-{number}", std::process::id()));
        let mut draft = Draft::new(draft, &package.file_name, package.content.len() as u64)?;
        archive::unpack(package, format, &mut draft)?;
        let stem = archive::stem(&package.file_name, format);
        let (digest, _) = draft.place(&stem, &self.directory)?;
        let file = self.stem_file(&digest);
        // Never changed: whoever opens the package meanwhile reads all of it.
        if !fs::read_to_string(&file).is_ok_and(|noted| noted == stem) {
            fs::write(file, &stem).map_err(disk("a package's name cannot be noted"))?;
        }
        self.open(&digest)
    }

    /// All packages without files are one folder, made once.
    fn unpack_empty(&self, package: &Package) -> Result<Unpacked, BuildError> {
        let digest = digest_of_nothing();
        let directory = self.directory.join(digest.as_str());
        if !directory.is_dir() {
            fs::create_dir_all(&directory).map_err(disk("a package cannot be put in its place"))?;
        }
        let stem = package.file_name.trim_end_matches('/').to_owned();
        Ok(Unpacked { digest, directory, stem, files: Vec::new(), manifest: None })
    }

    /// Finds a package. Blocks.
    pub fn open(&self, digest: &Digest) -> Result<Unpacked, BuildError> {
        let directory = self.directory.join(digest.as_str());
        if !directory.is_dir() {
            return Err(BuildError::Package(format!("there is no package {digest}")));
        }
        let mut files = Vec::new();
        list(&directory, "", &mut files).map_err(disk("a package cannot be read"))?;
        files.sort();
        let stem = fs::read_to_string(self.stem_file(digest)).unwrap_or_default();
        let manifest = manifest::find(&directory, &files)?;
        Ok(Unpacked { digest: digest.clone(), directory, stem, files, manifest })
    }

    fn stem_file(&self, digest: &Digest) -> PathBuf {
        self.directory.join(format!("{digest}.stem"))
    }
}

/// Byte code that interpreters leave behind is no part of a package.
const LEFT_OUT: &str = "__pycache__";

fn list(directory: &Path, prefix: &str, files: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != LEFT_OUT {
                list(&entry.path(), &format!("{name}/"), files)?;
            }
        } else {
            files.push(name);
        }
    }
    Ok(())
}
