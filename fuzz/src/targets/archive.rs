//! Packages: whatever an archive says, nothing is written but its own folder, and no more than the limits.
//!
//! The first byte chooses the form, the second the file name. The rest is the file itself; or a tar whose checksums are made
//! right; or entries, of which archives of all formats are made, which must give the same package.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, Crc, write::DeflateEncoder, write::GzEncoder};
use tempfile::TempDir;
use tidemill_core::ports::{BuildError, Package, Unpacked};
use tidemill_worker::fuzz::Store;

use crate::{
    input::Input,
    memory::held_peak,
    target::{Memory, Target},
};

pub(super) const TARGET: Target = Target {
    name: "archive",
    about: "packages: zip, tar, tar.gz and single files",
    run,
    seeds,
    words: &[
        "PK\x03\x04",
        "PK\x01\x02",
        "PK\x05\x06",
        "PK\x06\x06",
        "\x1f\u{8b}",
        "ustar\0",
        "ustar  \0",
        "../",
        "/etc/passwd",
        "..\\",
        "C:",
        "a/",
        "./",
        "\0",
        "__MACOSX/",
        ".DS_Store",
        "function.yaml",
        "././@LongLink",
        "path=",
        "size=",
        "0000644\0",
        "77777777777\0",
        "main.py",
    ],
    bytes_max: 8 * 1024,
    // The archives that are made here count too; reading them has a bound of its own.
    memory: Memory { base_bytes: 128 * 1024 * 1024, per_byte: 500 },
    share: 8,
};

const NAMES: [&str; 8] = ["p.zip", "p.tar", "p.tar.gz", "p.tgz", "main.py", "program", "p", "weird/../name.zip"];
/// As `build/draft.rs` has them.
const BYTES_MAX: u64 = 1 << 30;
const RATIO_MAX: u64 = 200;
const RATIO_FREE_BYTES: u64 = 16 << 20;
const ENTRIES_MAX: usize = 10_000;

/// Memory that unpacking takes, beside what grows with the archive.
const READING_BYTES_MAX: usize = 3 * 1024 * 1024;

/// A folder for one input, in memory where there is such a place.
pub(super) fn scratch() -> TempDir {
    let in_memory = Path::new("/dev/shm");
    let made = TempDir::with_prefix_in("tidemill-fuzz-", in_memory).or_else(|_| TempDir::with_prefix("tidemill-fuzz-"));
    made.expect("there is a place for temporary files")
}

fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let form = input.below(6);
    let name = NAMES[input.below(8)];
    match form {
        0 | 1 => drop(unpack(name, input.rest())),
        2 => drop(unpack("p.tar", &with_checksums(input.rest()))),
        3 => drop(unpack("p.tgz", &gzip(&with_checksums(input.rest())))),
        4 => drop(unpack("p.tgz", &gzip(input.rest()))),
        _ => all_formats(input),
    }
}

/// Unpacks a package twice, and looks at everything that was written.
fn unpack(name: &str, content: &[u8]) -> Result<Unpacked, BuildError> {
    let scratch = scratch();
    let home = scratch.path().join("packages");
    let store = Store::open(home.clone()).expect("a folder of one's own can be written");
    let package = Package { file_name: name.to_owned(), content: content.to_vec().into() };
    let (result, peak) = held_peak(|| store.unpack(&package));
    assert!(
        peak <= READING_BYTES_MAX + 20 * content.len(),
        "unpacking {} bytes took {peak} bytes of memory",
        content.len()
    );
    let outside: Vec<PathBuf> = listed(scratch.path());
    assert_eq!(outside, std::slice::from_ref(&home), "something was written outside");
    match &result {
        Err(error) => {
            assert!(matches!(error, BuildError::Package(_)), "not the package's fault: {error:?}");
            let text = error.to_string();
            assert!(!text.contains('\n') && text.len() < 4_096, "{text:?}");
            assert!(
                text.contains(name.rsplit('/').next().unwrap_or(name)) || text.contains("function."),
                "{text:?} names no place"
            );
            let left: Vec<PathBuf> = listed(&home).into_iter().filter(|path| is_draft(path)).collect();
            assert!(left.is_empty(), "{left:?} was left");
        }
        Ok(unpacked) => {
            let digest = unpacked.digest.as_str();
            assert_eq!(listed(&home), [home.join(digest), home.join(format!("{digest}.stem"))]);
            assert_eq!(unpacked.directory, fs::canonicalize(home.join(digest)).expect("it is there"));
            let (mut bytes, mut entries) = (0, 0);
            look(&unpacked.directory, &unpacked.directory, &mut bytes, &mut entries);
            let packed = content.len() as u64;
            assert!(
                bytes <= BYTES_MAX.min(packed.saturating_mul(RATIO_MAX).saturating_add(RATIO_FREE_BYTES)),
                "{bytes} bytes"
            );
            // Folders that are not listed in the archive are not counted by it.
            assert!(unpacked.files.len() <= ENTRIES_MAX && entries <= ENTRIES_MAX * 65);
            assert!(!unpacked.files.is_empty() && unpacked.files.is_sorted());
            let again = store.unpack(&package).expect("what was unpacked can be unpacked again");
            assert_eq!((&again.digest, &again.files), (&unpacked.digest, &unpacked.files));
        }
    }
    result
}

fn is_draft(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("its entries can be read").path()).collect();
    paths.sort();
    paths
}

/// Looks at what was unpacked: plain files, folders, and links that lead nowhere but inside.
fn look(folder: &Path, root: &Path, bytes: &mut u64, entries: &mut usize) {
    for path in listed(folder) {
        *entries += 1;
        let metadata = fs::symlink_metadata(&path).expect("it is there");
        if metadata.is_dir() {
            look(&path, root, bytes, entries);
        } else if metadata.is_file() {
            *bytes += metadata.len();
            use std::os::unix::fs::MetadataExt;
            assert_eq!(metadata.nlink(), 1, "{path:?} is a hard link");
            assert_eq!(metadata.mode() & 0o7022, 0, "{path:?} has the mode {:o}", metadata.mode());
        } else {
            assert!(metadata.is_symlink(), "{path:?} is neither file, folder nor link");
            if let Ok(target) = fs::canonicalize(&path) {
                assert!(target.starts_with(root), "{path:?} leads to {target:?}");
            }
        }
    }
}

/// An entry of an archive.
#[derive(Clone, Debug)]
struct Entry {
    name: Vec<u8>,
    kind: Kind,
    is_program: bool,
    content: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    Link,
}

/// What is plain in one format is plain in the others: all give the same package, or none gives one.
fn all_formats(mut input: Input<'_>) {
    let mut entries = Vec::new();
    while !input.is_over() && entries.len() < 20 {
        let choices = input.byte();
        let name = input.text().into_bytes();
        let kind = [Kind::File, Kind::File, Kind::Folder, Kind::Link][usize::from(choices & 3)];
        let size = usize::from(input.byte());
        // Bombs without long inputs.
        let times = [1, 1, 1, 1, 1, 1, 10, 1_000][usize::from(choices >> 5)];
        let content = input.piece(size).repeat(if kind == Kind::File { times } else { 1 });
        entries.push(Entry { name, kind, is_program: choices & 4 != 0, content });
    }
    // The formats differ in what such a name means.
    let is_plain = |entry: &Entry| {
        let name = &entry.name;
        !name.is_empty()
            && name.len() <= 100
            && !name.contains(&0)
            && !name.ends_with(b"/")
            && entry.content.len() <= 100
            || entry.kind == Kind::File
                && !name.is_empty()
                && name.len() <= 100
                && !name.contains(&0)
                && !name.ends_with(b"/")
    };
    let is_plain = entries.iter().all(is_plain)
        && entries.iter().all(|entry| entry.kind != Kind::Link || is_target(&entry.content));
    let tar = tar(&entries);
    let results = [unpack("p.tar", &tar), unpack("p.tgz", &gzip(&tar)), unpack("p.zip", &zip(&entries))];
    let total: usize = entries.iter().map(|entry| entry.content.len()).sum();
    // Close to the limit it depends on the packed size.
    if is_plain && total < (RATIO_FREE_BYTES as usize) && !entries.is_empty() {
        let digests: Vec<Option<&str>> =
            results.iter().map(|result| result.as_ref().ok().map(|unpacked| unpacked.digest.as_str())).collect();
        assert!(digests.iter().all(|digest| *digest == digests[0]), "the formats differ: {results:?}");
    }
}

/// Whether every format can carry it as the target of a link.
fn is_target(target: &[u8]) -> bool {
    !target.is_empty() && target.len() <= 100 && !target.contains(&0)
}

fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        let (kind, content, link): (u8, &[u8], &[u8]) = match entry.kind {
            Kind::File => (b'0', &entry.content, b""),
            Kind::Folder => (b'5', b"", b""),
            Kind::Link => (b'2', b"", &entry.content),
        };
        for (kind, name, link, content) in [
            (entry.name.len() > 100).then_some((b'L', &b"././@LongLink"[..], &b""[..], &entry.name[..])),
            Some((kind, &entry.name[..], link, content)),
        ]
        .into_iter()
        .flatten()
        {
            let mut header = [0u8; 512];
            put(&mut header[..100], name);
            put(&mut header[100..107], if entry.is_program { b"0000755" } else { b"0000644" });
            put(&mut header[124..135], format!("{:011o}", content.len()).as_bytes());
            header[156] = kind;
            put(&mut header[157..257], link);
            put(&mut header[257..265], b"ustar\x0000");
            checksum(&mut header);
            bytes.extend(header);
            bytes.extend(content);
            bytes.resize(bytes.len().next_multiple_of(512), 0);
        }
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn put(field: &mut [u8], text: &[u8]) {
    for (place, byte) in field.iter_mut().zip(text) {
        *place = *byte;
    }
}

fn checksum(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut header[148..156], format!("{sum:06o}\0 ").as_bytes());
}

/// Makes the checksum of each block right that can be a header: after a wrong one nothing would be read.
fn with_checksums(tar: &[u8]) -> Vec<u8> {
    let mut bytes = tar.to_vec();
    bytes.resize(bytes.len().next_multiple_of(512) + 1024, 0);
    let mut at = 0;
    while at + 512 <= bytes.len() {
        let header = &mut bytes[at..at + 512];
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        checksum(header);
        let size = std::str::from_utf8(&header[124..135])
            .ok()
            .and_then(|text| u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok());
        let blocks = usize::try_from(size.unwrap_or(0).div_ceil(512)).unwrap_or(usize::MAX);
        at = at.saturating_add(512).saturating_add(blocks.saturating_mul(512));
    }
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory can be written")
}

fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut name = entry.name.clone();
        if entry.kind == Kind::Folder {
            name.push(b'/');
        }
        let content: &[u8] = if entry.kind == Kind::Folder { b"" } else { &entry.content };
        let mut crc = Crc::new();
        crc.update(content);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        let packed = encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory can be written");
        // Version, flags (UTF-8), deflate, time, date, checksum, sizes, lengths of name and extra field.
        let mut common = vec![20, 0, 0, 8, 8, 0, 0, 0, 0x21, 0];
        for number in [crc.sum(), packed.len() as u32, content.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        let mode: u32 = match (entry.kind, entry.is_program) {
            (Kind::File, true) => 0o100_755,
            (Kind::File, false) => 0o100_644,
            (Kind::Folder, _) => 0o040_755,
            (Kind::Link, _) => 0o120_777,
        };
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((mode << 16).to_le_bytes());
        directory.extend((bytes.len() as u32).to_le_bytes());
        directory.extend(&name);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(&name);
        bytes.extend(packed);
    }
    let (count, start) = (entries.len() as u16, bytes.len() as u32);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let entry = |name: &str, kind, content: &str| Entry {
        name: name.into(),
        kind,
        is_program: name.ends_with(".sh"),
        content: content.into(),
    };
    let plain = [
        entry("main.py", Kind::File, "def handler(context, event):\n    return 'ok'\n"),
        entry("lib", Kind::Folder, ""),
        entry("lib/run.sh", Kind::File, "#!/bin/sh\n"),
        entry("lib/current.py", Kind::Link, "../main.py"),
        entry("function.yaml", Kind::File, "spec: {handler: 'main:handler'}\n"),
    ];
    let hostile = [
        entry("../out", Kind::File, "x"),
        entry("/abs", Kind::File, "x"),
        entry("etc", Kind::Link, "/etc"),
        entry("a", Kind::File, "1"),
        entry("a", Kind::File, "2"),
        entry("a/b", Kind::File, "3"),
        entry(&"n".repeat(150), Kind::File, "x"),
    ];
    let mut seeds = vec![
        ("zip".to_owned(), [&[0, 0][..], &zip(&plain)].concat()),
        ("tar".to_owned(), [&[2, 1][..], &tar(&plain)].concat()),
        ("tar.gz".to_owned(), [&[0, 2][..], &gzip(&tar(&plain))].concat()),
        ("tar packed here".to_owned(), [&[3, 2][..], &tar(&plain)].concat()),
        ("file".to_owned(), b"\0\x04#!/usr/bin/env python3\nprint('x')\n".to_vec()),
    ];
    for (index, entry) in hostile.iter().enumerate() {
        let both = [plain[0].clone(), hostile[3].clone(), entry.clone()];
        seeds.push((format!("hostile zip {index}"), [&[0, 0][..], &zip(&both)].concat()));
        seeds.push((format!("hostile tar {index}"), [&[2, 1][..], &tar(&both)].concat()));
    }
    for entries in [&plain[..], &hostile[..]] {
        let mut bytes = vec![5, 0];
        for entry in entries {
            let kind = match entry.kind {
                Kind::File => 0,
                Kind::Folder => 2,
                Kind::Link => 3,
            };
            bytes.extend([kind | if entry.is_program { 4 } else { 0 }, entry.name.len() as u8]);
            bytes.extend(&entry.name);
            bytes.push(entry.content.len() as u8);
            bytes.extend(&entry.content);
        }
        seeds.push((format!("{} entries", entries.len()), bytes));
    }
    // A file of 250 000 bytes out of a few.
    seeds.push(("bomb".to_owned(), [&b"\x05\0\xe0\x04bomb\xfa"[..], &[b'z'; 250]].concat()));
    seeds
}
