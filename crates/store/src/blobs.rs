//! Large bodies as files: content-addressed, written once, never changed.
//!
//! `blobs/ab/cdef…` holds the content whose SHA-256 is `abcdef…`. A file appears under its name only when its content is
//! on disk (temporary name, fsync, rename, fsync of the directory), and it is there before a transaction refers to it.
//! Who counts the references is the store; it removes a file after the commit that dropped the last one. A [`Pin`] keeps
//! that from happening between writing a file and committing the row that refers to it. A crash in between leaves a file
//! without a row: the store removes those, and temporary files, when it opens.

use std::{
    collections::{HashMap, HashSet},
    fmt, fs,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

/// Who may do what with the folders of blobs.
const FOLDER_MODE: u32 = 0o700;

/// The SHA-256 of a blob's content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 32]);

impl BlobId {
    /// The id of `content`.
    pub fn of(content: &[u8]) -> BlobId {
        BlobId(Sha256::digest(content).into())
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A directory of blobs. It belongs to one store, which decides what is kept.
pub struct DirBlobs {
    directory: PathBuf,
    pins: Mutex<HashMap<BlobId, u32>>,
    temporary: AtomicU64,
}

/// Keeps a blob from being removed while it lives.
pub struct Pin {
    blobs: Arc<DirBlobs>,
    id: BlobId,
}

impl Pin {
    /// The pinned blob.
    pub fn id(&self) -> BlobId {
        self.id
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = self.blobs.pins.lock();
        if let Some(count) = pins.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.id);
            }
        }
    }
}

impl DirBlobs {
    /// Blobs in `directory`, which is made when the first one is written.
    pub fn new(directory: impl Into<PathBuf>) -> DirBlobs {
        DirBlobs { directory: directory.into(), pins: Mutex::new(HashMap::new()), temporary: AtomicU64::new(0) }
    }

    /// Makes `content` durable and pins it. Blocks. Errors are those of the disk; one of kind `StorageFull` means that it is full.
    pub fn put(self: &Arc<Self>, content: &[u8]) -> io::Result<Pin> {
        let id = BlobId::of(content);
        let pin = self.pin(id);
        let path = self.path(&id);
        let folder = path.parent().expect("a blob lies in a folder");
        if !folder.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
            sync_directory(&self.directory)?;
        }
        let is_there = fs::metadata(&path).is_ok_and(|meta| meta.len() == content.len() as u64);
        if !is_there {
            self.write(folder, &path, content)?;
        }
        // Also for a file that was there: whoever renamed it may not have come to this yet.
        sync_directory(folder)?;
        Ok(pin)
    }

    /// The content of a blob. Blocks.
    pub fn get(&self, id: &BlobId) -> io::Result<Bytes> {
        fs::read(self.path(id)).map(Bytes::from)
    }

    /// Removes a blob unless it is pinned.
    pub(crate) fn remove(&self, id: &BlobId) -> io::Result<()> {
        // Under the lock, so that nobody pins it in the middle and finds it there.
        let pins = self.pins.lock();
        if pins.contains_key(id) {
            return Ok(());
        }
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes temporary files and blobs that are not in `keep`. Returns how many. Only while nobody writes.
    pub(crate) fn sweep(&self, keep: &HashSet<BlobId>) -> io::Result<u64> {
        let mut removed = 0;
        for folder in entries(&self.directory)? {
            for path in entries(&folder)? {
                if !parse_path(&path).is_some_and(|id| keep.contains(&id)) {
                    fs::remove_file(&path)?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    fn pin(self: &Arc<Self>, id: BlobId) -> Pin {
        *self.pins.lock().entry(id).or_insert(0) += 1;
        Pin { blobs: Arc::clone(self), id }
    }

    fn path(&self, id: &BlobId) -> PathBuf {
        let text = id.to_string();
        self.directory.join(&text[..2]).join(&text[2..])
    }

    fn write(&self, folder: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!("new-{number}"));
        let written = fs::File::create(&temporary).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| {
            // The error at hand is the one to report; a leftover is swept when the store opens.
            let _ = fs::remove_file(&temporary);
        })
    }
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Ok(list) => list.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

fn parse_path(path: &Path) -> Option<BlobId> {
    let rest = path.file_name()?.to_str()?;
    let first = path.parent()?.file_name()?.to_str()?;
    let text = format!("{first}{rest}");
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut id = [0u8; 32];
    for (byte, at) in id.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(BlobId(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs() -> (tempfile::TempDir, Arc<DirBlobs>) {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Arc::new(DirBlobs::new(directory.path().join("blobs")));
        (directory, blobs)
    }

    #[test]
    fn content_comes_back() {
        let (_directory, blobs) = blobs();
        let pin = blobs.put(b"hello").unwrap();
        assert_eq!(pin.id().to_string(), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        assert_eq!(blobs.get(&pin.id()).unwrap(), "hello");
    }

    #[test]
    fn a_pinned_blob_stays() {
        let (_directory, blobs) = blobs();
        let first = blobs.put(b"hello").unwrap();
        let second = blobs.put(b"hello").unwrap();
        let id = first.id();
        drop(first);
        blobs.remove(&id).unwrap();
        assert!(blobs.get(&id).is_ok());
        drop(second);
        blobs.remove(&id).unwrap();
        assert!(blobs.get(&id).is_err());
        blobs.remove(&id).unwrap();
    }

    #[test]
    fn a_sweep_removes_what_nobody_refers_to() {
        let (_directory, blobs) = blobs();
        let kept = blobs.put(b"kept").unwrap().id();
        let lost = blobs.put(b"lost").unwrap().id();
        let folder = blobs.path(&kept).parent().unwrap().to_owned();
        fs::write(folder.join("new-7"), b"half").unwrap();
        assert_eq!(blobs.sweep(&HashSet::from([kept])).unwrap(), 2);
        assert!(blobs.get(&kept).is_ok());
        assert!(blobs.get(&lost).is_err());
    }
}
