//! The folder of environments, one build at a time for each.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use parking_lot::Mutex;
use tidemill_core::{Digest, ports::BuildError};
use tokio::sync::OwnedMutexGuard;

use super::{draft::disk, sweeper::Sweeper, tree};

/// The file that says that a build succeeded.
const COMPLETE: &str = ".complete";

type Turn = Arc<tokio::sync::Mutex<()>>;

/// See the module.
pub(crate) struct Environments {
    directory: PathBuf,
    /// Of those that somebody has or waits for.
    turns: Mutex<BTreeMap<Digest, Turn>>,
    sweeper: Sweeper,
}

/// What [`Environments::claim`] gives.
pub(crate) enum Claim {
    /// It is there.
    Ready(PathBuf),
    /// It is to be built, in an empty folder, by whoever holds this.
    Vacant(Vacant),
}

/// An environment being built. Dropping it before it is complete has the sweeper remove what was built.
pub(crate) struct Vacant {
    pub directory: PathBuf,
    is_complete: bool,
    /// Kept until nothing of a build that failed is left.
    turn: Option<OwnedMutexGuard<()>>,
    sweeper: Sweeper,
}

fn is_complete(directory: &Path) -> bool {
    fs::symlink_metadata(directory.join(COMPLETE)).is_ok_and(|mark| mark.is_file())
}

fn late() -> BuildError {
    let text = "another build of the same environment went on for longer than the build timeout";
    BuildError::Runtime(text.to_owned())
}

impl Environments {
    /// Opens the folder and removes what a process that died left in it.
    pub fn new(directory: PathBuf, sweeper: Sweeper) -> io::Result<Environments> {
        fs::create_dir_all(&directory)?;
        let directory = fs::canonicalize(directory)?;
        for entry in fs::read_dir(&directory)?.flatten() {
            let path = entry.path();
            if entry.file_type()?.is_dir()
                && !is_complete(&path)
                && let Err(error) = tree::remove(&path)
            {
                // It is begun afresh by whoever needs it, or it is in nobody's way.
                tracing::warn!(folder = %path.display(), %error, "an unfinished environment cannot be removed");
            }
        }
        Ok(Environments { directory, turns: Mutex::default(), sweeper })
    }

    /// Finds an environment, after waiting for somebody who may be building it; until `deadline`.
    pub async fn claim(&self, digest: &Digest, deadline: Instant) -> Result<Claim, BuildError> {
        let turn = self.turn(digest);
        let turn = tokio::time::timeout_at(deadline.into(), turn.lock_owned()).await.map_err(|_| late())?;
        let (directory, sweeper) = (self.directory.join(digest.as_str()), self.sweeper.clone());
        let claiming = tokio::task::spawn_blocking(move || {
            if is_complete(&directory) {
                return Ok(Claim::Ready(directory));
            }
            tree::remove(&directory)?;
            fs::create_dir(&directory)?;
            Ok(Claim::Vacant(Vacant { directory, is_complete: false, turn: Some(turn), sweeper }))
        });
        let claim = claiming.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        claim.map_err(disk("the environment's folder cannot be made"))
    }

    fn turn(&self, digest: &Digest) -> Turn {
        let mut turns = self.turns.lock();
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        turns.entry(digest.clone()).or_default().clone()
    }
}

impl Vacant {
    /// Marks it as built.
    pub async fn complete(mut self) -> Result<PathBuf, BuildError> {
        let completing = tokio::task::spawn_blocking(move || {
            self.mark()?;
            self.is_complete = true;
            Ok(self.directory.clone())
        });
        let completed = completing.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        completed.map_err(disk("the environment cannot be completed"))
    }

    fn mark(&self) -> io::Result<()> {
        rustix::fs::syncfs(&fs::File::open(&self.directory)?)?;
        // Whatever a build put in this place, neither is it followed nor does it count.
        let mark = self.directory.join(COMPLETE);
        tree::remove(&mark)?;
        fs::OpenOptions::new().write(true).create_new(true).open(mark).map(drop)
    }

    /// Where it is built.
    pub fn path(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Vacant {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        let (directory, turn) = (self.directory.clone(), self.turn.take());
        let sweep = move || {
            if let Err(error) = tree::remove(&directory) {
                // The missing mark keeps it from being used.
                tracing::warn!(folder = %directory.display(), %error, "an environment that failed cannot be removed");
            }
            drop(turn);
        };
        self.sweeper.hand_over(&self.directory, sweep);
    }
}
