//! Names in archives, links, inline configurations, kinds of packages.

use proptest::prelude::*;
use tidemill_core::ports::Package;

use super::{
    archive::{Format, stem},
    entry::{is_junk, normalise, stays_inside},
    manifest::inline,
    site::Sites,
};

#[tokio::test]
async fn no_more_builds_go_on_at_once_than_may() {
    let home = tempfile::tempdir().unwrap();
    let limits = super::BuildLimits { concurrency: 1, ..super::BuildLimits::default() };
    let sweeper = super::sweeper::Sweeper::default();
    let sites = Sites::new(home.path().join("builds"), None, limits, Vec::new(), sweeper).unwrap();
    let first = sites.open(home.path()).await.unwrap();
    let mut second = std::pin::pin!(sites.open(home.path()));
    tokio::select! {
        biased;
        _ = &mut second => panic!("the first goes on"),
        () = std::future::ready(()) => {}
    }
    first.finish().await.unwrap();
    second.await.unwrap();
}

#[test]
fn paths_are_written_in_one_way_or_refused() {
    for (path, normal) in [("a/b.py", "a/b.py"), ("./a//b/", "a/b"), ("", ""), (".", ""), ("ä/ö", "ä/ö")] {
        assert_eq!(normalise(path).unwrap(), normal);
    }
    let deep = "d/".repeat(65);
    let long = format!("{}/x", "n".repeat(256));
    for path in ["/etc/passwd", "../x", "a/../../x", "a/..", "C:/x", "\\x", "a\\b", "a\nb", "a\0b", &deep, &long] {
        assert!(normalise(path).is_err(), "{path:?}");
    }
}

#[test]
fn links_stay_inside_even_through_other_links() {
    for (path, target) in [("a", "b"), ("a/b", "../c"), ("a/b/c", "../../d/e"), ("a", "./b/./c")] {
        assert!(stays_inside(path, target), "{path} -> {target}");
    }
    for (path, target) in
        [("a", "/etc"), ("a", ".."), ("a/b", "../../c"), ("a/b", "c/../../../d"), ("a/b", "c/.."), ("a", "")]
    {
        assert!(!stays_inside(path, target), "{path} -> {target}");
    }
}

#[test]
fn what_desktops_add_is_left_out() {
    assert!(is_junk("__MACOSX/._a") && is_junk(".DS_Store") && is_junk("a/.DS_Store"));
    assert!(!is_junk("DS_Store") && !is_junk("a/__MACOSX.py"));
}

proptest! {
    #[test]
    fn a_path_that_is_allowed_stays_below_its_folder(path in "[a./\\\\ b]{0,30}") {
        if let Ok(normal) = normalise(&path) {
            prop_assert!(!normal.starts_with('/'));
            prop_assert!(normal.split('/').all(|name| name != ".."));
            prop_assert_eq!(normalise(&normal).unwrap(), normal);
        }
    }
}

#[test]
fn inline_configurations_end_at_code_or_at_the_end_of_the_file() {
    let source = "import x\n\n# @nuclio.configure\n#\n# function.yaml:\n#   spec:\n#     a: 1\n\n# not this\ncode\n";
    let (line, text) = inline(source, "#").unwrap();
    assert_eq!((line, text.as_str()), (4, "\nfunction.yaml:\n  spec:\n    a: 1\n"));
    let to_the_end = "code()\n//@tidemill.configure\n//function.yaml:\n//  spec: {}";
    assert_eq!(inline(to_the_end, "//").unwrap(), (3, "function.yaml:\n  spec: {}\n".to_owned()));
    assert_eq!(inline("# nothing @nuclio.configure here\n", "#"), None);
}

fn package(file_name: &str, content: &[u8]) -> Package {
    Package { file_name: file_name.to_owned(), content: content.to_vec().into() }
}

#[test]
fn formats_are_told_by_content_and_must_fit_the_name() {
    let format = |name: &str, content: &[u8]| Format::of(&package(name, content)).map_err(|error| error.to_string());
    assert_eq!(format("a.py", b"print()"), Ok(Format::File));
    assert_eq!(format("a.zip", b"PK\x03\x04"), Ok(Format::Zip));
    assert_eq!(format("upload", b"\x1f\x8b"), Ok(Format::TarGz));
    assert_eq!(
        format("a.zip", b"hello"),
        Err("a.zip: its name says that it is a zip archive, but it is not".to_owned())
    );
    assert_eq!(
        format("a.tgz", b"hello"),
        Err("a.tgz: its name says that it is a gzip archive, but it is not".to_owned())
    );
    assert!(format("a.tar.bz2", b"BZh9").unwrap_err().contains("bzip2"));
}

#[test]
fn stems_are_names_without_extension() {
    assert_eq!(stem("hello.py", Format::File), "hello");
    assert_eq!(stem("x/thumbnail.tar.gz", Format::TarGz), "thumbnail");
    assert_eq!(stem("a.b.zip", Format::Zip), "a.b");
    assert_eq!(stem("program", Format::File), "program");
}
