//! How much a build puts on disk.
//!
//! The system has no limit for a folder, so it is looked at again and again, and a build that has too much is ended. Files that have
//! lost their names are not seen that way: so the free space of the whole file system is looked at too, and a build does
//! not live to use up the last of it.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::fs::statvfs;

use super::tree;

/// The time between two looks, unless looking takes long itself.
const PAUSE: Duration = Duration::from_millis(500);
/// Looking takes at most one part in so many of the time.
const PART: u32 = 20;
/// A build ends when the file system has less free than this, or than half of what it had when the build began.
const FREE_BYTES_MIN: u64 = 512 << 20;
/// Names, in units of bytes allowed: file systems run out of those, too.
const BYTES_AN_ENTRY: u64 = 4096;

/// The folders of a build and how much may be in them.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    folders: Vec<PathBuf>,
    bytes_max: u64,
    free_bytes_min: u64,
}

impl Room {
    /// `bytes_max` for all of `folders` together, which are on one file system.
    pub fn new(folders: Vec<PathBuf>, bytes_max: u64) -> Room {
        let free = folders.first().and_then(|folder| free_bytes(folder)).unwrap_or(0);
        Room { folders, bytes_max, free_bytes_min: FREE_BYTES_MIN.min(free / 2) }
    }

    /// Comes back when there is too much, with the reason. Cancel-safe.
    pub async fn overfull(&self) -> String {
        let mut pause = PAUSE;
        loop {
            tokio::time::sleep(pause).await;
            let (room, begun) = (self.clone(), Instant::now());
            let looking = tokio::task::spawn_blocking(move || room.look());
            if let Ok(Some(reason)) = looking.await {
                return reason;
            }
            pause = PAUSE.max(begun.elapsed() * PART);
        }
    }

    /// What is too much. Blocks.
    pub fn look(&self) -> Option<String> {
        let mut taken = tree::Taken::default();
        for folder in &self.folders {
            match tree::count(folder) {
                Ok(more) => {
                    taken.bytes += more.bytes;
                    taken.entries += more.entries;
                }
                Err(error) => return Some(error.to_string()),
            }
        }
        let mebibytes = |bytes: u64| bytes >> 20;
        if taken.bytes > self.bytes_max {
            let (has, may) = (mebibytes(taken.bytes), mebibytes(self.bytes_max));
            return Some(format!("it had {has} MiB on disk, and builds may have {may} MiB (builds.disk)"));
        }
        if taken.entries > self.bytes_max / BYTES_AN_ENTRY {
            let may = self.bytes_max / BYTES_AN_ENTRY;
            return Some(format!("it had {} files, and builds may have {may} (builds.disk)", taken.entries));
        }
        let free = free_bytes(self.folders.first()?)?;
        (free < self.free_bytes_min)
            .then(|| format!("only {} MiB were left on the disk of the data folder", mebibytes(free)))
    }
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let state = statvfs(folder).ok()?;
    Some(state.f_bavail.saturating_mul(state.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_bytes_and_too_many_files_are_too_much() {
        let home = tempfile::tempdir().unwrap();
        let room = |bytes_max| Room { folders: vec![home.path().to_owned()], bytes_max, free_bytes_min: 0 };
        std::fs::write(home.path().join("a"), vec![1; 200_000]).unwrap();
        std::fs::write(home.path().join("b"), "").unwrap();
        assert_eq!(room(1 << 20).look(), None);
        let reason = room(100_000).look().unwrap();
        assert!(reason.contains("builds may have 0 MiB"), "{reason}");
        std::fs::write(home.path().join("a"), "").unwrap();
        let reason = room(BYTES_AN_ENTRY).look().unwrap();
        assert!(reason.contains("it had 2 files"), "{reason}");
        let full = Room { free_bytes_min: u64::MAX, ..room(1 << 20) };
        assert!(full.look().unwrap().contains("left on the disk"));
    }
}
