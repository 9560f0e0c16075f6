//! A tar.gz without owners, times or chance, so that the same files always make the same bytes.

use std::{fs, io};

use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};

use super::{Entry, unreadable};
use crate::failure::Failure;

/// Packs files in the order given.
pub fn pack(entries: &[Entry]) -> Result<Bytes, Failure> {
    let mut archive = empty();
    for entry in entries {
        let content = fs::read(&entry.path).map_err(|error| unreadable(&entry.path, &error))?;
        append(&mut archive, &entry.name, entry.is_executable, &content)
            .map_err(|error| Failure::fixable(format!("cannot pack {}: {error}", entry.name)))?;
    }
    finished(archive)
}

/// Packs one text.
pub fn pack_text(name: &str, text: &str) -> Result<Bytes, Failure> {
    let mut archive = empty();
    append(&mut archive, name, false, text.as_bytes())
        .map_err(|error| Failure::broken(format!("cannot pack {name}: {error}")))?;
    finished(archive)
}

fn empty() -> tar::Builder<GzEncoder<Vec<u8>>> {
    tar::Builder::new(GzBuilder::new().mtime(0).write(Vec::new(), Compression::fast()))
}

fn finished(archive: tar::Builder<GzEncoder<Vec<u8>>>) -> Result<Bytes, Failure> {
    let finish = |archive: tar::Builder<GzEncoder<Vec<u8>>>| archive.into_inner()?.finish();
    let bytes = finish(archive).map_err(|error| Failure::broken(format!("cannot pack the folder: {error}")))?;
    Ok(Bytes::from(bytes))
}

fn append(
    archive: &mut tar::Builder<GzEncoder<Vec<u8>>>,
    name: &str,
    is_executable: bool,
    content: &[u8],
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(content.len()).map_err(io::Error::other)?);
    header.set_mode(if is_executable { 0o755 } else { 0o644 });
    header.set_mtime(0);
    archive.append_data(&mut header, name, content)
}
