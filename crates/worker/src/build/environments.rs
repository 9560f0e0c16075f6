//! The folder of environments, one build at a time for each.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use tidemill_core::{Digest, ports::BuildError};
use tokio::sync::OwnedMutexGuard;

use super::draft::disk;

/// The file that says that a build succeeded.
const COMPLETE: &str = ".complete";

type Turn = Arc<tokio::sync::Mutex<()>>;

/// See the module.
pub(crate) struct Environments {
    directory: PathBuf,
    turns: Mutex<BTreeMap<Digest, Turn>>,
}

/// What [`Environments::claim`] gives.
pub(crate) enum Claim {
    /// It is there.
    Ready(PathBuf),
    /// It is to be built, in an empty folder, by whoever holds this.
    Vacant(Vacant),
}

/// An environment being built. Dropping it before it is complete removes what was built.
pub(crate) struct Vacant {
    pub directory: PathBuf,
    is_complete: bool,
    _turn: OwnedMutexGuard<()>,
}

impl Environments {
    /// Opens the folder and removes what a process that died left in it.
    pub fn new(directory: PathBuf) -> std::io::Result<Environments> {
        fs::create_dir_all(&directory)?;
        let directory = fs::canonicalize(directory)?;
        for entry in fs::read_dir(&directory)?.flatten() {
            if entry.file_type()?.is_dir() && !entry.path().join(COMPLETE).exists() {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Environments { directory, turns: Mutex::default() })
    }

    /// Finds an environment, after waiting for somebody who may be building it.
    pub async fn claim(&self, digest: &Digest) -> Result<Claim, BuildError> {
        let turn = self.turns.lock().entry(digest.clone()).or_default().clone();
        let turn = turn.lock_owned().await;
        let directory = self.directory.join(digest.as_str());
        if directory.join(COMPLETE).exists() {
            return Ok(Claim::Ready(directory));
        }
        let failed = "the environment's folder cannot be made";
        if directory.exists() {
            fs::remove_dir_all(&directory).map_err(disk(failed))?;
        }
        fs::create_dir(&directory).map_err(disk(failed))?;
        Ok(Claim::Vacant(Vacant { directory, is_complete: false, _turn: turn }))
    }
}

impl Vacant {
    /// Marks it as built.
    pub fn complete(mut self) -> Result<PathBuf, BuildError> {
        let failed = "the environment cannot be completed";
        let folder = fs::File::open(&self.directory).map_err(disk(failed))?;
        rustix::fs::syncfs(&folder).map_err(std::io::Error::from).map_err(disk(failed))?;
        fs::write(self.directory.join(COMPLETE), "1\n").map_err(disk(failed))?;
        self.is_complete = true;
        Ok(self.directory.clone())
    }

    /// Where it is built.
    pub fn path(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Vacant {
    fn drop(&mut self) {
        if !self.is_complete {
            // Should this fail, the missing mark keeps it from being used.
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}
