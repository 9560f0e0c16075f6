//! Reading the formats that packages come in, into a [`Draft`].

use std::{
    cell::Cell,
    io::{self, Cursor, Read},
    rc::Rc,
};

use flate2::read::GzDecoder;
use tidemill_core::{
    log::one_line,
    ports::{BuildError, Package},
};

use super::draft::Draft;

/// How a package is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One file, not packed.
    File,
    Zip,
    Tar,
    TarGz,
}

/// The longest target of a link.
const LINK_BYTES_MAX: u64 = 1024;

fn damaged(package: &Package, why: impl std::fmt::Display) -> BuildError {
    BuildError::Package(one_line(format_args!("{}: {why}", package.file_name)))
}

impl Format {
    /// Finds out by content, and holds the name to it.
    pub fn of(package: &Package) -> Result<Format, BuildError> {
        let content = &package.content[..];
        let name = package.file_name.to_ascii_lowercase();
        let has = |extensions: &[&str]| extensions.iter().any(|extension| name.ends_with(extension));
        let unknown: [(&[u8], &str); 5] = [
            (b"BZh", "bzip2"),
            (b"\xfd7zXZ\0", "xz"),
            (b"\x28\xb5\x2f\xfd", "zstd"),
            (b"Rar!", "rar"),
            (b"7z\xbc\xaf\x27\x1c", "7z"),
        ];
        if let Some((_, kind)) = unknown.iter().find(|(magic, _)| content.starts_with(magic)) {
            return Err(damaged(package, format!("it is packed with {kind}; there are zip, tar and tar.gz")));
        }
        let format = if content.starts_with(b"PK\x03\x04") || content.starts_with(b"PK\x05\x06") {
            Format::Zip
        } else if content.starts_with(b"\x1f\x8b") {
            Format::TarGz
        } else if content.get(257..262) == Some(b"ustar") || (has(&[".tar"]) && content.len() >= 512) {
            Format::Tar
        } else {
            Format::File
        };
        let expected = match () {
            () if has(&[".zip"]) => Some((Format::Zip, "a zip archive")),
            () if has(&[".tar.gz", ".tgz", ".gz"]) => Some((Format::TarGz, "a gzip archive")),
            () if has(&[".tar"]) => Some((Format::Tar, "a tar archive")),
            () => None,
        };
        match expected {
            Some((wanted, what)) if wanted != format => {
                Err(damaged(package, format!("its name says that it is {what}, but it is not")))
            }
            _ => Ok(format),
        }
    }
}

/// The name without folders and, for archives, without extension.
pub(crate) fn stem(file_name: &str, format: Format) -> String {
    let name = file_name.rsplit('/').next().unwrap_or(file_name);
    let lower = name.to_ascii_lowercase();
    let extensions: &[&str] = match format {
        Format::File => &[],
        Format::Zip => &[".zip"],
        Format::Tar => &[".tar"],
        Format::TarGz => &[".tar.gz", ".tgz", ".gz"],
    };
    if let Some(extension) = extensions.iter().find(|extension| lower.ends_with(*extension)) {
        return name[..name.len() - extension.len()].to_owned();
    }
    match name.rsplit_once('.') {
        Some((stem, _)) if format == Format::File && !stem.is_empty() => stem.to_owned(),
        _ => name.to_owned(),
    }
}

/// Writes every entry of `package` into `draft`.
pub(crate) fn unpack(package: &Package, format: Format, draft: &mut Draft) -> Result<(), BuildError> {
    match format {
        Format::File => file(package, draft),
        Format::Zip => zip(package, draft),
        Format::Tar => tar(package, &package.content[..], draft),
        Format::TarGz => tar(package, GzDecoder::new(&package.content[..]), draft),
    }
}

fn file(package: &Package, draft: &mut Draft) -> Result<(), BuildError> {
    let name = package.file_name.rsplit('/').next().unwrap_or("");
    if name.is_empty() {
        return Err(BuildError::Package("the package has no file name".to_owned()));
    }
    if package.content.is_empty() {
        return Err(damaged(package, "it is empty"));
    }
    let is_program = name.ends_with(".sh") || !name.contains('.');
    draft.file(name, is_program, &mut &package.content[..])
}

fn zip(package: &Package, draft: &mut Draft) -> Result<(), BuildError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(&package.content[..]))
        .map_err(|error| damaged(package, format!("the zip archive cannot be read: {error}")))?;
    if let Some(count) = counted_entries(&package.content).filter(|count| *count > archive.len()) {
        let why = format!("the zip archive has {count} entries but only {} names: some are there twice", archive.len());
        return Err(damaged(package, why));
    }
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| {
            damaged(package, format!("entry {} of the zip archive cannot be read: {error}", index + 1))
        })?;
        let name = std::str::from_utf8(entry.name_raw())
            .map_err(|_| damaged(package, format!("the name {:?} is not UTF-8", entry.name())))?
            .to_owned();
        let mode = entry.unix_mode().unwrap_or(0);
        match mode & 0o170_000 {
            _ if entry.is_dir() => draft.folder(&name)?,
            0 | 0o100_000 => draft.file(&name, mode & 0o111 != 0, &mut entry)?,
            0o120_000 => {
                let mut target = String::new();
                let read = (&mut entry).take(LINK_BYTES_MAX).read_to_string(&mut target);
                read.map_err(|error| damaged(package, format!("{name:?} is damaged: {error}")))?;
                draft.link(&name, &target)?;
            }
            _ => return Err(damaged(package, format!("{name:?} is neither file, folder nor link"))),
        }
    }
    Ok(())
}

/// The number of entries that the end of a zip archive states, when it can be found in the usual place.
fn counted_entries(content: &[u8]) -> Option<usize> {
    let tail = &content[content.len().saturating_sub(22 + 65_535)..];
    let at = tail.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let count = u16::from_le_bytes([*tail.get(at + 10)?, *tail.get(at + 11)?]);
    (count != u16::MAX).then_some(usize::from(count))
}

fn tar(package: &Package, content: impl Read, draft: &mut Draft) -> Result<(), BuildError> {
    let unreadable = |error: std::io::Error| damaged(package, format!("the tar archive cannot be read: {error}"));
    let left = Rc::new(Cell::new(RECORD_BYTES_MAX));
    let mut archive = tar::Archive::new(Budgeted { inner: content, left: left.clone() });
    let mut entries = archive.entries().map_err(unreadable)?;
    loop {
        left.set(RECORD_BYTES_MAX);
        let Some(entry) = entries.next() else { return Ok(()) };
        let mut entry = entry.map_err(unreadable)?;
        let name = text(package, &entry.path_bytes())?;
        let kind = entry.header().entry_type();
        let mode = entry.header().mode().unwrap_or(0o644);
        if kind.is_dir() {
            draft.folder(&name)?;
        } else if kind.is_file() || kind.is_contiguous() {
            // The draft counts these.
            left.set(u64::MAX);
            draft.file(&name, mode & 0o111 != 0, &mut entry)?;
        } else if kind.is_symlink() {
            let target = entry.link_name_bytes().unwrap_or_default();
            let target = text(package, &target)?;
            draft.link(&name, &target)?;
        } else if kind.is_hard_link() {
            return Err(damaged(package, format!("{name:?} is a hard link; pack it as a file")));
        } else if !(kind.is_pax_global_extensions() || kind.is_pax_local_extensions()) {
            return Err(damaged(package, format!("{name:?} is neither file, folder nor link")));
        }
    }
}

/// The most bytes of a tar archive that are read for one entry beside its content: long names are held in memory.
const RECORD_BYTES_MAX: u64 = 1024 * 1024;

/// Reads no more than what is left.
struct Budgeted<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| io::Error::other("the record of an entry is too large"))?);
        Ok(read)
    }
}

fn text(package: &Package, bytes: &[u8]) -> Result<String, BuildError> {
    let shown = || format!("the name {:?} is not UTF-8", String::from_utf8_lossy(bytes));
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| damaged(package, shown()))
}
