//! What a tree is however it was made.

use std::{
    fs,
    os::{
        fd::OwnedFd,
        unix::fs::{PermissionsExt, symlink},
    },
    path::Path,
    sync::atomic::AtomicBool,
};

use rustix::fs::{Mode, OFlags, openat};

use super::*;

const NO_LIMIT: Taken = Taken { bytes: u64::MAX, entries: u64::MAX };

fn count(folder: &Path, most: Taken) -> std::io::Result<Taken> {
    let is_wanted = AtomicBool::new(true);
    let mut count = Count::new(most, &is_wanted);
    count.add(folder).map(|()| count.taken)
}

fn nest(folder: &Path, depth: usize) -> OwnedFd {
    let mut folder = OwnedFd::from(fs::File::open(folder).unwrap());
    for _ in 0..depth {
        rustix::fs::mkdirat(&folder, "a-name-that-makes-paths-long", Mode::RWXU).unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        folder = openat(&folder, "a-name-that-makes-paths-long", flags, Mode::empty()).unwrap();
    }
    folder
}

#[test]
fn a_tree_of_any_depth_is_counted_or_refused_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let top = home.path().join("top");
    fs::create_dir(&top).unwrap();
    fs::write(top.join("file"), vec![1; 100_000]).unwrap();
    let taken = count(&top, NO_LIMIT).unwrap();
    assert!(taken.entries == 1 && taken.bytes >= 100_000, "{taken:?}");
    let folder = nest(&top, 1000);
    rustix::fs::fchmod(&folder, Mode::empty()).unwrap();
    assert!(count(&top, NO_LIMIT).is_err() && take_back(&top, Owner::this()).is_err());
    remove(&top).unwrap();
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    remove(&top).unwrap();
}

#[test]
fn what_is_taken_back_has_no_power_and_links_are_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let (top, other) = (home.path().join("top"), home.path().join("other"));
    fs::create_dir_all(top.join("closed")).unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    fs::write(&other, "").unwrap();
    mode(&other, 0o640);
    symlink(&other, top.join("link")).unwrap();
    fs::write(top.join("closed/program"), "").unwrap();
    mode(&top.join("closed/program"), 0o6777);
    mode(&top.join("closed"), 0);
    take_back(&top, Owner::this()).unwrap();
    let mode_of = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode_of(&top.join("closed/program")), 0o755);
    assert_eq!(mode_of(&top.join("closed")), 0o755);
    assert_eq!(mode_of(&other), 0o640);
}

#[test]
fn a_copy_has_links_and_modes() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (home.path().join("from"), home.path().join("to"));
    fs::create_dir_all(from.join("a")).unwrap();
    fs::write(from.join("a/program"), "x").unwrap();
    fs::set_permissions(from.join("a/program"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("a/program", from.join("link")).unwrap();
    copy(&from, &to).unwrap();
    assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("a/program"));
    assert_eq!(fs::metadata(to.join("link")).unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn a_removal_that_was_broken_off_is_ended_by_the_next() {
    let home = tempfile::tempdir().unwrap();
    let top = home.path().join("top");
    for (left, depth) in [("top.deep-0/1", 300), ("top.deep-0/7", 1), ("top.deep-1/1", 300)] {
        fs::create_dir_all(home.path().join(left)).unwrap();
        nest(&home.path().join(left), depth);
    }
    fs::create_dir(home.path().join("top.deep-other")).unwrap();
    remove(&top).unwrap();
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["top.deep-other"]);
}

#[test]
fn a_count_goes_no_further_than_its_limit_and_only_while_it_is_wanted() {
    let home = tempfile::tempdir().unwrap();
    for name in 0..100 {
        fs::write(home.path().join(name.to_string()), [1; 5000]).unwrap();
    }
    let most = Taken { entries: 7, ..NO_LIMIT };
    let taken = count(home.path(), most).unwrap();
    assert!(taken.exceeds(&most) && taken.entries == 8, "{taken:?}");
    let most = Taken { bytes: 20_000, ..NO_LIMIT };
    let taken = count(home.path(), most).unwrap();
    assert!(taken.exceeds(&most) && taken.entries < 100, "{taken:?}");
    let is_wanted = AtomicBool::new(false);
    let mut unwanted = Count::new(NO_LIMIT, &is_wanted);
    unwanted.add(home.path()).unwrap();
    assert_eq!(unwanted.taken, Taken::default());
}

#[test]
fn a_folder_with_very_many_names_is_removed() {
    let home = tempfile::tempdir().unwrap();
    let top = home.path().join("top");
    fs::create_dir(&top).unwrap();
    for name in 0..5000 {
        fs::create_dir(top.join(name.to_string())).unwrap();
    }
    remove(&top).unwrap();
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}
