//! What tells one state of a path from another without reading the files.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use crate::package;

/// A state of a path: equal for equal names, sizes, modes and times of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The present state of a file or folder. What cannot be read is a state of its own.
    pub fn of(path: &Path) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        let listed = std::fs::canonicalize(path).ok().and_then(|full| {
            let is_folder = full.is_dir();
            let entries = if is_folder { package::files(&full).ok()? } else { vec![package::file(&full).ok()?] };
            Some(entries)
        });
        match listed {
            Some(entries) => {
                for entry in entries {
                    (entry.name, entry.size, entry.is_executable, entry.changed_nanos).hash(&mut hasher);
                }
            }
            None => "unreadable".hash(&mut hasher),
        }
        Fingerprint(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_packed_counts() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("main.py", "1");
        let first = Fingerprint::of(folder.path());
        write(".main.py.swp", "1");
        assert_eq!(Fingerprint::of(folder.path()), first);
        write("main.py", "12");
        let second = Fingerprint::of(folder.path());
        assert_ne!(second, first);
        write("other.py", "");
        assert_ne!(Fingerprint::of(folder.path()), second);
        assert_ne!(Fingerprint::of(&folder.path().join("main.py")), Fingerprint::of(&folder.path().join("gone.py")));
    }
}
