//! What the store is opened with, and why it may refuse.

use std::{fs, io, os::unix::fs::OpenOptionsExt, path::PathBuf, sync::Arc};

use rustix::fs::{FlockOperation, flock};
use tidemill_core::ports::Clock;

use crate::blobs::DirBlobs;

/// The file that is locked while the store is open.
pub(super) const LOCK_FILE: &str = "tidemill.lock";
/// The database's file.
pub(super) const DATABASE_FILE: &str = "tidemill.db";
/// Who may do what with it.
const DATABASE_MODE: u32 = 0o600;

/// How to open a store.
#[derive(Clone)]
pub struct SqliteConfig {
    /// Where the database lies. Made when it does not exist.
    pub directory: PathBuf,
    /// Tells when results were settled.
    pub clock: Arc<dyn Clock>,
    /// Where large bodies lie. They belong to this store: what its database does not refer to is removed.
    pub blobs: Arc<DirBlobs>,
    /// Connections for reading.
    pub readers: usize,
    /// The largest database file in bytes, without blobs; beyond it the store behaves as on a full disk. `None` is no limit.
    pub database_bytes_max: Option<u64>,
}

impl SqliteConfig {
    /// A store in `directory` with blobs in `directory/blobs`.
    pub fn new(directory: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> SqliteConfig {
        let directory = directory.into();
        let blobs = Arc::new(DirBlobs::new(directory.join("blobs")));
        SqliteConfig { directory, clock, blobs, readers: 4, database_bytes_max: None }
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "another process uses the data in {directory}\nhint: stop the other tidemill, or give this one a directory of its own with --data"
    )]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// The SQLite in this program has a known fault that corrupts databases.
    #[error(
        "SQLite {version} can corrupt a database in WAL mode; 3.51.3 or newer is needed\nhint: build tidemill with its bundled SQLite"
    )]
    SqliteTooOld {
        /// Its version.
        version: &'static str,
    },
    /// A newer release wrote the database.
    #[error(
        "the data in {directory} has format {found}, this release knows formats up to {known}\nhint: a newer tidemill wrote it; use that release, or another directory"
    )]
    NewerFormat {
        /// The directory.
        directory: PathBuf,
        /// The database's format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The directory or a file in it cannot be used.
    #[error("cannot use {path}: {source}")]
    Io {
        /// What was tried to use.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite refuses the database.
    #[error("cannot open the database in {directory}: {source}")]
    Database {
        /// The directory.
        directory: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// Locks the directory against other processes for as long as the file is open.
pub(super) fn lock(config: &SqliteConfig) -> Result<fs::File, OpenError> {
    let failed = |path: PathBuf| move |source| OpenError::Io { path, source };
    fs::create_dir_all(&config.directory).map_err(failed(config.directory.clone()))?;
    let path = config.directory.join(LOCK_FILE);
    let file =
        fs::File::options().create(true).truncate(false).write(true).open(&path).map_err(failed(path.clone()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => close(config).map(|()| file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked { directory: config.directory.clone() }),
        Err(errno) => Err(OpenError::Io { path, source: errno.into() }),
    }
}

/// Makes the database a file of this user's alone, if it is not there yet; SQLite gives those beside it the same mode.
fn close(config: &SqliteConfig) -> Result<(), OpenError> {
    let path = config.directory.join(DATABASE_FILE);
    let made = fs::File::options().create(true).append(true).mode(DATABASE_MODE).open(&path);
    made.map(drop).map_err(|source| OpenError::Io { path, source })
}

/// Refuses a SQLite with the WAL-reset fault.
pub(super) fn check_version() -> Result<(), OpenError> {
    if rusqlite::version_number() < 3_051_003 {
        return Err(OpenError::SqliteTooOld { version: rusqlite::version() });
    }
    Ok(())
}
