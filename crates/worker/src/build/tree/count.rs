//! Counting.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, statat},
    io::Errno,
};

use super::{
    DEPTH_MAX,
    node::{folder_at, name_of, next_name},
    too_deep,
};

/// What trees take on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub bytes: u64,
    /// Files, folders and whatever else has a name.
    pub entries: u64,
}

impl Taken {
    /// Whether it is more than `most` in any way.
    pub fn exceeds(&self, most: &Taken) -> bool {
        self.bytes > most.bytes || self.entries > most.entries
    }
}

/// A count of trees, which goes no further than it must.
pub(crate) struct Count<'a> {
    /// What was found so far. With more than `most` it ends.
    pub taken: Taken,
    most: Taken,
    /// Somebody else ends it by `false`.
    is_wanted: &'a AtomicBool,
}

impl Count<'_> {
    /// One that is over with the first byte or entry above `most`, or when nobody wants it any more.
    pub fn new(most: Taken, is_wanted: &AtomicBool) -> Count<'_> {
        Count { taken: Taken::default(), most, is_wanted }
    }

    /// Adds what lies in `folder`; what vanishes meanwhile counts nothing. The error says that it nests too deep, or that
    /// not all of it can be looked at.
    pub fn add(&mut self, folder: &Path) -> io::Result<()> {
        match unless_gone(folder_at(CWD, &name_of(folder)?))? {
            Some(mut opened) => self.add_in(&mut opened, 0),
            None => Ok(()),
        }
    }

    fn is_over(&self) -> bool {
        self.taken.exceeds(&self.most) || !self.is_wanted.load(Ordering::Relaxed)
    }

    fn add_in(&mut self, folder: &mut Dir, depth: usize) -> io::Result<()> {
        if depth > DEPTH_MAX {
            return Err(too_deep());
        }
        // A folder that was removed has no names left.
        while !self.is_over()
            && let Some(name) = unless_gone(next_name(folder))?.flatten()
        {
            let Some(stat) = unless_gone(statat(folder.fd()?, &name, AtFlags::SYMLINK_NOFOLLOW))? else { continue };
            self.taken.entries += 1;
            self.taken.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory
                && let Some(mut inner) = unless_gone(folder_at(folder.fd()?, &name))?
            {
                self.add_in(&mut inner, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// `None` for what was removed or is something else by now.
fn unless_gone<T>(found: Result<T, Errno>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::STALE) => Ok(None),
        Err(Errno::ACCESS) => Err(io::Error::other("it closed a folder to whoever counts what is in it")),
        Err(error) => Err(error.into()),
    }
}
