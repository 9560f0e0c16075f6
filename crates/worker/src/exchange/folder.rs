//! The folder of one execution, and the folder of those folders.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use rustix::fs::OFlags;
use serde::de::IgnoredAny;
use tidemill_core::{
    limits::{SENDS_BYTES_MAX, STATE_BYTES_MAX},
    ports::Message,
};

use super::sends;
use crate::protocol::configs;

const STATE_FILE: &str = "state.json";
const SEND_FILE: &str = "send.jsonl";
const CONFIGS_FILE: &str = "configs.json";
/// All files of an execution.
pub(crate) const FILES: [&str; 3] = [STATE_FILE, SEND_FILE, CONFIGS_FILE];
/// Numbers the folders of this process, whoever makes them.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Where the folders of executions lie.
#[derive(Debug)]
pub(crate) struct Folders {
    directory: PathBuf,
}

impl Folders {
    /// Opens `directory`, which nobody else on the machine may enter from then on, and removes what processes that died have
    /// left in it.
    pub fn open(directory: PathBuf) -> io::Result<Folders> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let directory = fs::canonicalize(directory)?;
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700))?;
        let own = format!("{}-", std::process::id());
        for entry in fs::read_dir(&directory)?.flatten() {
            if !entry.file_name().to_string_lossy().starts_with(&own) {
                // What cannot be removed now takes some room until the next start.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(Folders { directory })
    }

    /// The folder for an execution that begins with `state`; see [`Exchange::new`].
    pub fn begin(&self, state: Option<&Bytes>) -> io::Result<Exchange> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Exchange::new(self.directory.join(format!("{}-{number}", std::process::id())), state)
    }
}

/// What an execution left behind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Exchanged {
    /// The new state, when it changed.
    pub state: Option<Bytes>,
    /// The messages, in the order they were written.
    pub sends: Vec<Message>,
}

/// See the module. Dropping it removes the folder.
#[derive(Debug)]
pub(crate) struct Exchange {
    directory: PathBuf,
    /// The state it began with; `None` for a function without state.
    state: Option<Bytes>,
    has_configs: bool,
    is_kept: bool,
}

impl Exchange {
    /// Makes the new folder `directory` and, when there is a stored state, the file with it. `state` is that of
    /// [`tidemill_core::ports::Call`]: `None` for a function without state, empty when none is stored.
    pub fn new(directory: PathBuf, state: Option<&Bytes>) -> io::Result<Exchange> {
        fs::create_dir(&directory)?;
        let exchange = Exchange::reopen(directory, state);
        fs::set_permissions(&exchange.directory, fs::Permissions::from_mode(0o777))?;
        let stored = exchange.state.as_ref().filter(|state| !state.is_empty());
        for (name, content) in [(STATE_FILE, stored.map(Bytes::as_ref)), (SEND_FILE, Some(&[][..]))] {
            let Some(content) = content else { continue };
            let path = exchange.directory.join(name);
            fs::write(&path, content)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
        }
        Ok(exchange)
    }

    /// The folder `directory` of an execution that began earlier, with the same `state`.
    pub fn reopen(directory: PathBuf, state: Option<&Bytes>) -> Exchange {
        Exchange { directory, state: state.cloned(), has_configs: false, is_kept: false }
    }

    /// Puts the file with `configs` there, for this process's user alone. Without any there is no file. Called once at most.
    pub fn put_configs(&mut self, configs: &BTreeMap<String, String>) -> io::Result<()> {
        if configs.is_empty() {
            return Ok(());
        }
        let mut text = Vec::new();
        configs::write(&mut text, configs);
        let file = self.directory.join(CONFIGS_FILE);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        io::Write::write_all(&mut file, &text)?;
        self.has_configs = true;
        Ok(())
    }

    /// Leaves the folder where it is, for somebody who reopens it.
    pub fn keep(mut self) {
        self.is_kept = true;
    }

    /// The folder on this machine.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The variables that tell a program of the files, for a program that sees the folder at `seen_at`.
    pub fn variables(&self, seen_at: &Path) -> Vec<(String, String)> {
        let variable = |name: &str, file: &str| (name.to_owned(), seen_at.join(file).to_string_lossy().into_owned());
        let state = self.state.as_ref().map(|_| variable("TIDEMILL_STATE_FILE", STATE_FILE));
        let configs = self.has_configs.then(|| variable("TIDEMILL_CONFIGS_FILE", CONFIGS_FILE));
        state.into_iter().chain([variable("TIDEMILL_SEND_FILE", SEND_FILE)]).chain(configs).collect()
    }

    /// Reads what the program left. Blocks. The error is one line for the author of the function.
    pub fn collect(&self) -> Result<Exchanged, String> {
        let state = match &self.state {
            Some(before) => self.read_state(before)?,
            None => None,
        };
        let text = self.read(SEND_FILE, SENDS_BYTES_MAX, "TIDEMILL_SEND_FILE")?.unwrap_or_default();
        Ok(Exchanged { state, sends: sends::read(&text)? })
    }

    fn read_state(&self, before: &Bytes) -> Result<Option<Bytes>, String> {
        const WHAT: &str = "TIDEMILL_STATE_FILE";
        let Some(after) = self.read(STATE_FILE, STATE_BYTES_MAX as u64, WHAT)? else { return Ok(None) };
        let after = after.trim_ascii();
        match (after.is_empty(), before.is_empty()) {
            (true, true) => return Ok(None),
            // Mostly a program that reads the file it has just begun to write.
            (true, false) => return Err(format!("{WHAT} was left empty; to clear the state, write null to it")),
            (false, _) if after == before.trim_ascii() => return Ok(None),
            (false, _) => {}
        }
        check_json(after).map_err(|why| format!("{WHAT} is not JSON: {why}"))?;
        Ok(Some(Bytes::copy_from_slice(after)))
    }

    /// Reads the file `name`, which the program may have replaced by anything. `None` when it is not there.
    fn read(&self, name: &str, bytes_max: u64, what: &str) -> Result<Option<Vec<u8>>, String> {
        let failed = |error: io::Error| format!("{what} cannot be read: {error}");
        // Neither a link nor the other end of a pipe is waited for.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
        let opened = fs::OpenOptions::new().read(true).custom_flags(flags as i32).open(self.directory.join(name));
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(format!("{what} is no plain file any more"));
        }
        let mut content = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, bytes_max + 1), &mut content).map_err(failed)?;
        if content.len() as u64 > bytes_max {
            return Err(format!("{what} has more than the {bytes_max} bytes that are allowed"));
        }
        Ok(Some(content))
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now is removed at the next start.
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// Says what is wrong with a text that is not JSON.
pub(crate) fn check_json(text: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    serde_json::from_str::<IgnoredAny>(text).map(|_| ()).map_err(|error| error.to_string())
}
