//! Copying.

use std::{fs, io, path::Path};

/// Copies the folder `from`, whose files nobody changes, to the new folder `to`.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &place)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}
