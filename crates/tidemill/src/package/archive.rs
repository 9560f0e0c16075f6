//! A tar.gz without owners, times or chance, so that the same files always make the same bytes.

use std::{fs, io};

use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};

use super::{Entry, unreadable};
use crate::failure::Failure;

/// Packs files in the order given.
pub fn pack(entries: &[Entry]) -> Result<Bytes, Failure> {
    let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    for entry in entries {
        let content = fs::read(&entry.path).map_err(|error| unreadable(&entry.path, &error))?;
        append(&mut archive, entry, &content)
            .map_err(|error| Failure::fixable(format!("cannot pack {}: {error}", entry.name)))?;
    }
    let finish = |archive: tar::Builder<GzEncoder<Vec<u8>>>| archive.into_inner()?.finish();
    let bytes = finish(archive).map_err(|error| Failure::broken(format!("cannot pack the folder: {error}")))?;
    Ok(Bytes::from(bytes))
}

fn append(archive: &mut tar::Builder<GzEncoder<Vec<u8>>>, entry: &Entry, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(content.len()).map_err(io::Error::other)?);
    header.set_mode(if entry.is_executable { 0o755 } else { 0o644 });
    header.set_mtime(0);
    archive.append_data(&mut header, &entry.name, content)
}
