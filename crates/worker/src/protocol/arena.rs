//! Shared memory from us to a worker: an anonymous file that we divide.
//!
//! Regions are whole pages, handed out first-fit from the holes between those in use, and taken back when their call has
//! been answered. When the last one comes back, a file that has grown large is cut, so that one huge event does not
//! hold memory for ever. Both ends use `pread` and `pwrite`: what the other end does to the file can give us wrong or
//! missing bytes, never a fault.

use std::{io, os::fd::OwnedFd};

use rustix::{
    fs::{MemfdFlags, ftruncate, memfd_create},
    io::{pread, pwrite},
};

use super::frame::Place;

const PAGE_BYTES: u64 = 4096;
/// What an idle memory file keeps.
pub(crate) const KEPT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Makes a memory file.
pub(crate) fn memory_file(name: &str) -> io::Result<OwnedFd> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC)?)
}

/// Who has which part of a memory file.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    /// In use, sorted by offset: offset and size in whole pages.
    taken: Vec<(u64, u64)>,
    /// How far the file was ever used since it was last cut.
    reached: u64,
}

impl Regions {
    /// Finds room for `size` bytes.
    pub fn take(&mut self, size: u64) -> Place {
        let pages = size.max(1).next_multiple_of(PAGE_BYTES);
        let mut offset = 0;
        let mut index = 0;
        for (start, length) in &self.taken {
            if start - offset >= pages {
                break;
            }
            offset = start + length;
            index += 1;
        }
        self.taken.insert(index, (offset, pages));
        self.reached = self.reached.max(offset + pages);
        Place { offset, size }
    }

    /// Takes a region back. Returns whether the file should be cut to [`KEPT_BYTES_MAX`].
    pub fn give_back(&mut self, place: Place) -> bool {
        self.taken.retain(|(offset, _)| *offset != place.offset);
        let cut = self.taken.is_empty() && self.reached > KEPT_BYTES_MAX;
        if cut {
            self.reached = KEPT_BYTES_MAX;
        }
        cut
    }
}

/// Cuts an idle memory file.
pub(crate) fn cut(file: &OwnedFd) -> io::Result<()> {
    Ok(ftruncate(file, KEPT_BYTES_MAX)?)
}

/// Writes all of `bytes` at `offset`.
pub(crate) fn write_at(file: &OwnedFd, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = pwrite(file, bytes, offset)?;
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

/// Reads what lies at `place`. An error of kind `UnexpectedEof` when the file is shorter.
pub(crate) fn read_at(file: &OwnedFd, place: Place) -> io::Result<Vec<u8>> {
    let size = usize::try_from(place.size).map_err(|_| io::ErrorKind::UnexpectedEof)?;
    // Asked first, so that a worker cannot make us reserve memory for bytes that it does not have.
    let length = u64::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(0);
    if place.offset.checked_add(place.size).is_none_or(|end| end > length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        let at = place.offset + bytes.len() as u64;
        let read = pread(file, rustix::buffer::spare_capacity(&mut bytes), at)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    bytes.truncate(size);
    Ok(bytes)
}
