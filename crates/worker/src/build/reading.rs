//! Reading files of a package as the server, which may read more than who made the package.
//!
//! Unpacking lets no link lead out of a package; here none is followed there either, however it came to be.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags, ResolveFlags, openat2},
    io::Errno,
};
use tidemill_core::ports::BuildError;

use super::draft::disk;

/// The largest file that [`text`] gives, in bytes. Lists of locked dependencies are the longest.
const TEXT_BYTES_MAX: u64 = 16 << 20;

/// Opens the file `name` of the package in `directory`, by links within the package too; `None` if there is none.
pub(crate) fn open(directory: &Path, name: &str) -> Result<Option<File>, BuildError> {
    let failed = || format!("{name} cannot be read");
    let package = File::open(directory).map_err(disk(failed()))?;
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match openat2(&package, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty(), within) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::XDEV | Errno::LOOP) => Err(BuildError::Package(format!("{name} leads out of the package"))),
        Err(error) => Err(disk(failed())(error.into())),
    }
}

/// The text of the file `name` of the package in `directory`; `None` if there is none.
pub(crate) fn text(directory: &Path, name: &str) -> Result<Option<String>, BuildError> {
    let Some(mut file) = open(directory, name)? else { return Ok(None) };
    let facts = file.metadata().map_err(disk(format!("{name} cannot be read")))?;
    if !facts.is_file() || facts.len() > TEXT_BYTES_MAX {
        return Err(BuildError::Package(format!("{name} is no file of at most {} MiB", TEXT_BYTES_MAX >> 20)));
    }
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(BuildError::Package(format!("{name} is not UTF-8")))
        }
        Err(error) => Err(disk(format!("{name} cannot be read"))(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn links_are_followed_within_the_package_only() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("secret"), "the key").unwrap();
        let package = home.path().join("package");
        fs::create_dir(&package).unwrap();
        fs::write(package.join("requirements.txt"), "six\n").unwrap();
        let secret = home.path().join("secret");
        for (link, target) in [
            ("inside", Path::new("requirements.txt")),
            ("nowhere", Path::new("missing")),
            ("up", Path::new("../secret")),
            ("absolute", &secret),
            ("out", Path::new("..")),
            ("round", Path::new("round")),
        ] {
            symlink(target, package.join(link)).unwrap();
        }
        let read = |name: &str| text(&package, name).map_err(|error| error.to_string());
        assert_eq!(read("requirements.txt"), Ok(Some("six\n".to_owned())));
        assert_eq!(read("inside"), Ok(Some("six\n".to_owned())));
        assert_eq!((read("nowhere"), read("missing")), (Ok(None), Ok(None)));
        for name in ["up", "absolute", "out/secret", "round"] {
            assert_eq!(read(name), Err(format!("{name} leads out of the package")));
        }
        fs::write(package.join("latin"), [0xe4]).unwrap();
        assert_eq!(read("latin"), Err("latin is not UTF-8".to_owned()));
        assert_eq!(read("."), Err(". is no file of at most 16 MiB".to_owned()));
    }
}
