//! Where the folders of containers lie: in memory when there is room for them, since large bodies go through them.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// The file system in memory that Linux has.
const MEMORY: &str = "/dev/shm";
/// Folders of a container's folder, onto which something is mounted.
const MOUNT_POINTS: [&str; 2] = ["package", "runtime"];

/// The folder of all folders of this instance, emptied of what an earlier process left. `runtime_dir`, when there is none in
/// memory.
pub(super) fn home(instance: &str, runtime_dir: &Path) -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    let wanted = Path::new(MEMORY).join(format!("tidemill-{user}-{instance}"));
    if make(&wanted).is_ok() { wanted } else { runtime_dir.to_owned() }
}

/// Makes the folder anew, which nobody else may enter. Fails when it belongs to somebody else.
fn make(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::DirBuilder::new().mode(0o700).create(folder)
}

/// Makes the places in a container's folder onto which something will be mounted: the engine would make them as its own.
pub(super) fn add_mount_points(folder: &Path) -> io::Result<()> {
    for name in MOUNT_POINTS {
        let place = folder.join(name);
        fs::create_dir(&place)?;
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// A folder that any user may write to. Removed with its content when dropped.
#[derive(Debug)]
pub(super) struct OpenFolder(PathBuf);

impl OpenFolder {
    /// Makes the new folder.
    pub fn new(path: PathBuf) -> io::Result<OpenFolder> {
        fs::create_dir(&path)?;
        let folder = OpenFolder(path);
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777))?;
        add_mount_points(&folder.0)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for OpenFolder {
    fn drop(&mut self) {
        // What cannot be removed goes when the next process makes the home anew.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_made_anew_and_for_its_owner_alone() {
        let instance = format!("test-{}", std::process::id());
        let home_of = || home(&instance, Path::new("/nowhere"));
        let path = home_of();
        if path.starts_with(MEMORY) {
            fs::write(path.join("left"), "x").unwrap();
            assert_eq!(home_of(), path);
            assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
            fs::remove_dir(&path).unwrap();
        }
        assert_eq!(home("a/b", Path::new("/nowhere")), Path::new("/nowhere"));
    }

    #[test]
    fn an_open_folder_goes_with_its_content() {
        let parent = tempfile::tempdir().unwrap();
        let folder = OpenFolder::new(parent.path().join("c")).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o777);
        assert!(folder.path().join("package").is_dir());
        drop(folder);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
