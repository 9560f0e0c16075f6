//! The files that a build gets, as a tar archive in pieces. The same files give the same bytes, so that layers are found again.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::ignore::{self, Ignore};
use crate::{build::text_of_package, container::engine::Context};

/// Bytes of a piece.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait for the engine.
const PIECES_MAX: usize = 8;

/// What a context is made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    /// Folders, each under a prefix that is empty or ends in `/`.
    pub folders: Vec<(String, PathBuf)>,
    /// Single files: path and content.
    pub files: Vec<(String, Vec<u8>)>,
    /// Whether a `.dockerignore` at the root of the first folder counts.
    pub obeys_ignore: bool,
}

impl Files {
    /// The archive. It is read from disk while the engine takes it.
    pub fn stream(self) -> Context {
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        // Ends by itself when nobody takes its pieces any more.
        tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces { sender: sender.clone(), buffer: Vec::with_capacity(PIECE_BYTES) };
            if let Err(error) = self.write(&mut pieces).and_then(|()| pieces.flush()) {
                let _ = sender.blocking_send(Err(error));
            }
        });
        let next = |mut pieces: mpsc::Receiver<_>| async move { pieces.recv().await.map(|piece| (piece, pieces)) };
        futures_util::stream::unfold(pieces, next).boxed()
    }

    /// The SHA-256 of the archive in hexadecimal.
    pub fn digest(&self) -> io::Result<String> {
        let mut hash = Hash(Sha256::new());
        self.write(&mut hash)?;
        Ok(hash.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut archive = tar::Builder::new(out);
        for (index, (prefix, folder)) in self.folders.iter().enumerate() {
            let ignore = if self.obeys_ignore && index == 0 {
                let text = text_of_package(folder, ignore::FILE).map_err(io::Error::other)?;
                Ignore::parse(&text.unwrap_or_default())
            } else {
                Ignore::default()
            };
            add_folder(&mut archive, folder, Path::new(""), prefix, &ignore)?;
        }
        for (path, content) in &self.files {
            let mut header = header(tar::EntryType::Regular, 0o644);
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, path, content.as_slice())?;
        }
        archive.finish()
    }
}

fn add_folder(
    archive: &mut tar::Builder<&mut dyn Write>,
    root: &Path,
    within: &Path,
    prefix: &str,
    ignore: &Ignore,
) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(root.join(within))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = within.join(entry.file_name());
        let name = path.to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            // A folder that is left out may hold files that are not.
            add_folder(archive, root, &path, prefix, ignore)?;
            continue;
        }
        if ignore.leaves_out(&name) && name != "Dockerfile" {
            continue;
        }
        let target = format!("{prefix}{name}");
        if kind.is_symlink() {
            let mut header = header(tar::EntryType::Symlink, 0o777);
            header.set_size(0);
            archive.append_link(&mut header, target, fs::read_link(entry.path())?)?;
        } else if kind.is_file() {
            let file = fs::File::open(entry.path())?;
            let facts = file.metadata()?;
            let is_program = facts.permissions().mode() & 0o111 != 0;
            let mut header = header(tar::EntryType::Regular, if is_program { 0o755 } else { 0o644 });
            header.set_size(facts.len());
            archive.append_data(&mut header, target, io::Read::take(file, facts.len()))?;
        }
    }
    Ok(())
}

fn header(kind: tar::EntryType, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

struct Pieces {
    sender: mpsc::Sender<Result<Bytes, io::Error>>,
    buffer: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE_BYTES)));
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, os::unix::fs::symlink};

    use super::*;

    async fn entries(files: Files) -> BTreeMap<String, (u32, String)> {
        let pieces: Vec<_> = files.stream().collect().await;
        let bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.unwrap()).collect();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entry = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            io::Read::read_to_string(&mut entry, &mut content).unwrap();
            if let Some(target) = entry.link_name().unwrap() {
                content = format!("-> {}", target.display());
            }
            (entry.path().unwrap().display().to_string(), (entry.header().mode().unwrap(), content))
        };
        archive.entries().unwrap().map(entry).collect()
    }

    #[tokio::test]
    async fn the_archive_holds_what_is_wanted_and_is_the_same_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let long = format!("{}/deep.txt", "long-name/".repeat(15).trim_end_matches('/'));
        fs::create_dir_all(at(&long).parent().unwrap()).unwrap();
        fs::create_dir(at("logs")).unwrap();
        for (name, content) in [
            ("Dockerfile", "FROM scratch"),
            (".dockerignore", "logs\nDockerfile"),
            ("run.sh", "#!"),
            ("logs/a", "x"),
            (&long, "y"),
        ] {
            fs::write(at(name), content).unwrap();
        }
        fs::set_permissions(at("run.sh"), fs::Permissions::from_mode(0o700)).unwrap();
        symlink("run.sh", at("start")).unwrap();
        let files = Files {
            folders: vec![("package/".into(), folder.path().into())],
            files: vec![("extra".into(), b"z".to_vec())],
            obeys_ignore: true,
        };
        let found = entries(files.clone()).await;
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        let deep = format!("package/{long}");
        assert_eq!(
            names,
            ["extra", "package/.dockerignore", "package/Dockerfile", &deep, "package/run.sh", "package/start"]
        );
        assert_eq!(found["package/run.sh"], (0o755, "#!".to_owned()));
        assert_eq!(found["package/start"].1, "-> run.sh");
        assert_eq!(found["extra"], (0o644, "z".to_owned()));
        let digest = files.digest().unwrap();
        fs::write(at("logs/a"), "changed").unwrap();
        assert_eq!(files.digest().unwrap(), digest, "what is left out does not count");
        fs::write(at("run.sh"), "#?").unwrap();
        assert_ne!(files.digest().unwrap(), digest);
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_an_error_of_the_stream() {
        let files = Files { folders: vec![(String::new(), "/nowhere".into())], ..Files::default() };
        let pieces: Vec<_> = files.stream().collect().await;
        assert!(pieces.last().unwrap().is_err());
    }

    #[tokio::test]
    async fn an_archive_that_nobody_takes_ends() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("large"), vec![7u8; 4 << 20]).unwrap();
        let files = Files { folders: vec![(String::new(), folder.path().into())], ..Files::default() };
        let mut stream = files.stream();
        assert!(stream.next().await.unwrap().is_ok());
        drop(stream);
    }
}
