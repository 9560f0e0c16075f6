//! What the folder of compiled code holds, and what of it has to go.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// A draft that is older was left by a process that died.
const DRAFT_AGE_MAX: Duration = Duration::from_secs(60 * 60);
/// The ending of files with compiled code.
pub(crate) const EXTENSION: &str = "cwasm";

/// Compiled code of one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The digest of the module.
    pub module: String,
    pub file: PathBuf,
    pub bytes: u64,
    pub used: SystemTime,
}

/// The entries of a cache whose file names begin with `mark`. What others of other marks compiled, what was left half done, and
/// folders in which nothing is left are removed.
pub(crate) fn sweep(directory: &Path, mark: &str) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for folder in fs::read_dir(directory)?.flatten() {
        let Some(module) = folder.file_name().to_str().map(str::to_owned) else { continue };
        let Ok(files) = fs::read_dir(folder.path()) else { continue };
        let mut is_empty = true;
        for file in files.flatten() {
            let (path, Ok(metadata)) = (file.path(), file.metadata()) else { continue };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let name = file.file_name().to_string_lossy().into_owned();
            let is_code = path.extension().is_some_and(|extension| extension == EXTENSION);
            let is_left = name.starts_with(".draft-") && used.elapsed().is_ok_and(|age| age > DRAFT_AGE_MAX);
            if is_code && name.starts_with(mark) {
                found.push(Entry { module: module.clone(), file: path, bytes: metadata.len(), used });
            } else if (is_code || is_left) && fs::remove_file(&path).is_ok() {
                continue;
            }
            is_empty = false;
        }
        if is_empty {
            let _ = fs::remove_dir(folder.path());
        }
    }
    Ok(found)
}

/// What has to go so that the rest has at most `bytes_max`: what was not used for longest first, and nothing that is in use.
pub(crate) fn surplus(mut entries: Vec<Entry>, bytes_max: u64, is_in_use: impl Fn(&str) -> bool) -> Vec<Entry> {
    let mut bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
    entries.retain(|entry| !is_in_use(&entry.module));
    entries.sort_by(|one, other| (one.used, &one.file).cmp(&(other.used, &other.file)));
    let goes = |entry: &Entry| {
        let goes = bytes > bytes_max;
        bytes -= if goes { entry.bytes } else { 0 };
        goes
    };
    entries.into_iter().take_while(goes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_but_never_what_is_in_use() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let entry = |module: &str, bytes: u64, used: u64| Entry {
            module: module.to_owned(),
            file: module.into(),
            bytes,
            used: at(used),
        };
        let all = vec![entry("new", 40, 9), entry("old", 30, 1), entry("held", 50, 0), entry("middle", 20, 5)];
        let goes = |bytes_max: u64| {
            let gone = surplus(all.clone(), bytes_max, |module| module == "held");
            gone.into_iter().map(|entry| entry.module).collect::<Vec<_>>().join(" ")
        };
        for (bytes_max, expected) in [
            (200, ""),
            (140, ""),
            (139, "old"),
            (110, "old"),
            (109, "old middle"),
            (90, "old middle"),
            (0, "old middle new"),
        ] {
            assert_eq!(goes(bytes_max), expected, "{bytes_max}");
        }
    }

    #[test]
    fn what_is_of_no_use_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let put = |name: &str| {
            let file = directory.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "code").unwrap();
            file
        };
        let (own, young) = (put("a/mark-1.cwasm"), put("c/.draft-1-1"));
        put("a/other-1.cwasm");
        put("b/other-2.cwasm");
        let old = put("a/.draft-2-2");
        let long_ago = SystemTime::now() - 2 * DRAFT_AGE_MAX;
        fs::File::options().write(true).open(&old).unwrap().set_modified(long_ago).unwrap();
        let found = sweep(directory.path(), "mark-").unwrap();
        assert_eq!(found.iter().map(|entry| &entry.file).collect::<Vec<_>>(), [&own]);
        assert_eq!((found[0].module.as_str(), found[0].bytes), ("a", 4));
        assert!(young.exists() && !old.exists());
        let mut folders: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        folders.sort();
        assert_eq!(folders, ["a", "c"]);
        assert!(sweep(&directory.path().join("nowhere"), "mark-").is_err());
    }
}
