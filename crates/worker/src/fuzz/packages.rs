//! Packages, and the lines that programs send.

use std::{io, path::PathBuf};

use tidemill_core::ports::{BuildError, Message, Package, Unpacked};

use crate::{build::unpacking, exchange::read_sends};

/// A folder of packages.
pub struct Store(unpacking::Packages);

impl Store {
    /// Opens `directory`.
    ///
    /// # Errors
    /// It cannot be made or read.
    pub fn open(directory: PathBuf) -> io::Result<Store> {
        unpacking::Packages::new(directory).map(Store)
    }

    /// Unpacks a package.
    ///
    /// # Errors
    /// It is damaged, dangerous or too large.
    pub fn unpack(&self, package: &Package) -> Result<Unpacked, BuildError> {
        self.0.unpack(package)
    }
}

/// The configuration in the comments of a source, and the line it begins on.
pub fn inline_manifest(source: &str, comment: &str) -> Option<(u32, String)> {
    unpacking::inline(source, comment)
}

/// Reads the messages of a send file.
///
/// # Errors
/// One line that names the line.
pub fn sends(text: &[u8]) -> Result<Vec<Message>, String> {
    read_sends(text)
}

/// Whether a `.dockerignore` leaves a file out.
#[cfg(feature = "docker")]
pub fn leaves_out(ignore: &str, path: &str) -> bool {
    crate::container::leaves_out(ignore, path)
}
