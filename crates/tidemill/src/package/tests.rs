use std::{io::Read, os::unix::fs::PermissionsExt};

use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn names(package: &Package) -> Vec<(String, u32)> {
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&package.content[..]));
    tar.entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap())
        })
        .collect()
}

#[test]
fn the_same_files_make_the_same_bytes() {
    let files = [("main.py", "x"), ("lib/a.py", "y"), ("__pycache__/a.pyc", "z"), ("run.sh", "w")];
    let (a, b) = (folder(&files), folder(&files[..]));
    for folder in [&a, &b] {
        fs::set_permissions(folder.path().join("run.sh"), fs::Permissions::from_mode(0o700)).unwrap();
    }
    let (first, second) = (read(a.path()).unwrap(), read(b.path()).unwrap());
    assert_eq!(first.content, second.content);
    let expected = [("lib/a.py", 0o644), ("main.py", 0o644), ("run.sh", 0o755)];
    assert_eq!(names(&first), expected.map(|(name, mode)| (name.to_owned(), mode)));
}

#[test]
fn files_are_sent_as_they_are() {
    let folder = folder(&[("hello.py", "def main(): pass")]);
    let package = read(&folder.path().join("hello.py")).unwrap();
    assert_eq!((package.file_name.as_str(), &package.content[..]), ("hello.py", &b"def main(): pass"[..]));
}

#[test]
fn links_stay_inside() {
    let folder = folder(&[("a.py", "x")]);
    std::os::unix::fs::symlink("a.py", folder.path().join("b.py")).unwrap();
    assert_eq!(names(&read(folder.path()).unwrap()).len(), 2);
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("c")).unwrap();
    let failure = read(folder.path()).unwrap_err();
    assert!(failure.message.contains("a link out of the folder"), "{}", failure.message);
}

#[test]
fn what_is_not_there_is_said() {
    let failure = read(Path::new("/nonexistent/x.py")).unwrap_err();
    assert!(failure.message.starts_with("cannot read /nonexistent/x.py"), "{}", failure.message);
    assert_eq!(failure.hints.len(), 1);
}
