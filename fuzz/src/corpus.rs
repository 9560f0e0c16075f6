//! The inputs that are kept: seeds, and everything that ever failed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::target::Target;

/// A named input.
pub type Seed = (String, Vec<u8>);

/// The folder of this crate.
pub fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The seeds of a target: its files in `corpus/`, then those it makes or borrows.
///
/// # Errors
/// They cannot be read.
pub fn seeds(target: &Target) -> io::Result<Vec<Seed>> {
    let mut seeds = files(&home().join("corpus").join(target.name))?;
    seeds.extend((target.seeds)());
    Ok(seeds)
}

/// The inputs of a target that failed once.
///
/// # Errors
/// They cannot be read.
pub fn regressions(target: &Target) -> io::Result<Vec<Seed>> {
    files(&regressions_folder(target))
}

fn regressions_folder(target: &Target) -> PathBuf {
    home().join("regressions").join(target.name)
}

/// The files of a folder in the order of their names; none when there is no folder.
fn files(folder: &Path) -> io::Result<Vec<Seed>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let read = |path: PathBuf| Ok((path.to_string_lossy().into_owned(), fs::read(&path)?));
    paths.into_iter().filter(|path| path.is_file()).map(read).collect()
}

/// Files below the project's root whose name begins with `prefix`, as seeds: at most `bytes_max` long each.
pub(crate) fn borrowed(folders: &[&str], prefix: &str, bytes_max: usize) -> Vec<Seed> {
    let mut found = Vec::new();
    for folder in folders {
        gather(&home().join("..").join(folder), prefix, 3, &mut found);
    }
    found.sort();
    found.retain(|(_, content)| !content.is_empty() && content.len() <= bytes_max);
    found
}

fn gather(folder: &Path, prefix: &str, depth: u32, found: &mut Vec<Seed>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && depth > 0 && !matches!(name.as_str(), "target" | "node_modules") {
            gather(&path, prefix, depth - 1, found);
        } else if name.starts_with(prefix)
            && path.is_file()
            && let Ok(content) = fs::read(&path)
        {
            found.push((path.to_string_lossy().into_owned(), content));
        }
    }
}

/// Keeps an input that failed, and says where it is, what is wrong and how to try it again.
pub fn report(target: &Target, input: &[u8], what: &str) -> String {
    let folder = regressions_folder(target);
    let file = folder.join(format!("found-{:016x}", fingerprint(input)));
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, input));
    let place = match kept {
        Ok(()) => format!("input:  {}", file.display()),
        Err(error) => format!("input, which cannot be kept ({error}): {:?}", String::from_utf8_lossy(input)),
    };
    let (name, file) = (target.name, file.display());
    format!(
        "{name}: {what}\n{place}\nreplay: cargo run -p tidemill-fuzz -- replay {name} {file}\n\
         The file is replayed by the tests from now on: mend the fault, give the file a name that tells of it, and keep it."
    )
}

/// FNV-1a of the input: a short name for it.
fn fingerprint(input: &[u8]) -> u64 {
    input.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
