//! How much a build puts on disk.
//!
//! The system has no limit for a folder, so it is looked at from without:
//!
//! | | |
//! |---|---|
//! | what lies in the folders | counted again and again while a command runs, and once more when it has ended: nothing that is too large is kept |
//! | the free space of the file system | looked at all the time: files that have lost their names, and what was made since the last count, take from it |
//! | one file | cannot become larger than the build may, nor than what is free, by a limit of each process |
//!
//! The two looks do not wait for each other. A count takes long when there are many files, and is over when there are more than
//! allowed. What is left is the time between two looks at the free space, in which many files together may take the last of it:
//! the build that did is ended then.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::fs::statvfs;
use tokio::task::spawn_blocking;

use super::tree::{Count, Taken};

/// The time between two looks at the free space, and between two counts that take no time.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest time between two counts.
const COUNT_PAUSE_MAX: Duration = Duration::from_secs(10);
/// Counting takes at most one part in so many of the time, as far as the longest pause allows.
const PART: u32 = 20;
/// A build ends when the file system has less free than this, or than half of what it had when the build began.
const FREE_BYTES_MIN: u64 = 512 << 20;
/// Names, in units of bytes allowed: file systems run out of those, too.
const BYTES_AN_ENTRY: u64 = 4096;

/// The folders of a build and how much may be in them.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    folders: Vec<PathBuf>,
    most: Taken,
    free_bytes_min: u64,
}

/// Says to a count that it need not go on when nobody waits for it.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Room {
    /// `bytes_max` for all of `folders` together, which are on one file system.
    pub fn new(folders: Vec<PathBuf>, bytes_max: u64) -> Room {
        let free = folders.first().and_then(|folder| free_bytes(folder)).unwrap_or(0);
        let most = Taken { bytes: bytes_max, entries: bytes_max / BYTES_AN_ENTRY };
        Room { folders, most, free_bytes_min: FREE_BYTES_MIN.min(free / 2) }
    }

    /// The largest that one file may become now, in bytes.
    pub fn file_bytes_max(&self) -> u64 {
        let free = self.folders.first().and_then(|folder| free_bytes(folder));
        self.most.bytes.min(free.map_or(u64::MAX, |free| free.saturating_sub(self.free_bytes_min)))
    }

    /// Comes back when there is too much, with the reason. Cancel-safe.
    pub async fn overfull(&self) -> String {
        tokio::select! {
            reason = self.out_of_space() => reason,
            reason = self.too_much() => reason,
        }
    }

    async fn out_of_space(&self) -> String {
        loop {
            let room = self.clone();
            if let Ok(Some(reason)) = spawn_blocking(move || room.lack()).await {
                return reason;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn too_much(&self) -> String {
        let is_wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let mut pause = PAUSE;
        loop {
            tokio::time::sleep(pause).await;
            let (room, is_wanted, begun) = (self.clone(), is_wanted.0.clone(), Instant::now());
            if let Ok(Some(reason)) = spawn_blocking(move || room.excess(&is_wanted)).await {
                return reason;
            }
            pause = begun.elapsed().saturating_mul(PART).clamp(PAUSE, COUNT_PAUSE_MAX);
        }
    }

    /// What is too much now. To be asked when a command has ended, before what it made is kept. Cancel-safe.
    pub async fn look(&self) -> Option<String> {
        let is_wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let (room, is_looking) = (self.clone(), is_wanted.0.clone());
        let looked = spawn_blocking(move || room.excess(&is_looking).or_else(|| room.lack())).await;
        looked.unwrap_or_else(|error| Some(format!("what it had on disk could not be counted: {error}")))
    }

    /// Whether there is more in the folders than may be. Blocks.
    fn excess(&self, is_wanted: &AtomicBool) -> Option<String> {
        let mut count = Count::new(self.most, is_wanted);
        for folder in &self.folders {
            if let Err(error) = count.add(folder) {
                return Some(error.to_string());
            }
        }
        let may = self.most;
        if count.taken.bytes > may.bytes {
            let may = mebibytes(may.bytes);
            return Some(format!("it had more than {may} MiB on disk, which is what builds may have (builds.disk)"));
        }
        let reason = "it had more files than builds may have on disk";
        (count.taken.entries > may.entries).then(|| format!("{reason}, {} (builds.disk)", may.entries))
    }

    /// Whether the file system has too little left. Blocks.
    fn lack(&self) -> Option<String> {
        let free = free_bytes(self.folders.first()?)?;
        (free < self.free_bytes_min)
            .then(|| format!("only {} MiB were left on the disk of the data folder", mebibytes(free)))
    }
}

fn mebibytes(bytes: u64) -> u64 {
    bytes >> 20
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let state = statvfs(folder).ok()?;
    Some(state.f_bavail.saturating_mul(state.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(folder: &Path, bytes_max: u64) -> Room {
        Room { free_bytes_min: 0, ..Room::new(vec![folder.to_owned()], bytes_max) }
    }

    #[tokio::test]
    async fn too_many_bytes_and_too_many_files_are_too_much() {
        let home = tempfile::tempdir().unwrap();
        let room = |bytes_max| room(home.path(), bytes_max);
        std::fs::write(home.path().join("a"), vec![1; 200_000]).unwrap();
        std::fs::write(home.path().join("b"), "").unwrap();
        assert_eq!(room(1 << 20).look().await, None);
        let reason = room(100_000).look().await.unwrap();
        assert!(reason.contains("more than 0 MiB on disk"), "{reason}");
        std::fs::write(home.path().join("a"), "").unwrap();
        let reason = room(BYTES_AN_ENTRY).look().await.unwrap();
        assert!(reason.contains("more files than builds may have on disk, 1 (builds.disk)"), "{reason}");
        let full = Room { free_bytes_min: u64::MAX, ..room(1 << 20) };
        assert!(full.look().await.unwrap().contains("left on the disk"));
        assert_eq!(full.file_bytes_max(), 0);
        assert_eq!(room(1 << 20).file_bytes_max(), 1 << 20);
    }

    #[tokio::test]
    async fn both_looks_end_a_build_without_waiting_for_each_other() {
        let home = tempfile::tempdir().unwrap();
        let full = Room { free_bytes_min: u64::MAX, ..room(home.path(), 1 << 20) };
        assert!(full.overfull().await.contains("left on the disk"));
        std::fs::write(home.path().join("a"), vec![1; 200_000]).unwrap();
        assert!(room(home.path(), 100_000).overfull().await.contains("MiB on disk"));
    }
}
