//! The folder of one execution on the host.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use rustix::fs::{CWD, Mode, mkfifoat};
use tokio::net::UnixDatagram;

use crate::{container::engine::HostMount, exchange::Exchange, socket_path::by_folder};

const SOCKET: &str = "r.sock";
const RESULTS: &str = "results";
const MESSAGE: &str = "data";
const EXCHANGE: &str = "x";
/// There when the message in `data` has been read to its end.
const READ: &str = "read";

const CONFIGS_VARIABLE: &str = "TIDEMILL_CONFIGS_FILE";

const SOCKET_TARGET: &str = "/_abaco_results.sock";
const MESSAGE_TARGET: &str = "/_abaco_binary_data";
const EXCHANGE_TARGET: &str = "/_tidemill";

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// What a new execution finds.
pub(crate) struct Furnished {
    /// Those that tell a program of its files.
    pub variables: Vec<(String, String)>,
    pub socket: UnixDatagram,
}

impl Folder {
    /// The folder at `path`, which need not be there yet.
    pub fn at(path: PathBuf) -> Folder {
        Folder { path }
    }

    /// Whether the folder is that of an execution whose end nobody has told, and whose message does not need us any more.
    pub fn is_adoptable(path: &Path) -> bool {
        let has = |name: &str| path.join(name).exists();
        has(EXCHANGE) && (!has(MESSAGE) || has(READ))
    }

    /// The same of this folder.
    pub fn is_whole(&self) -> bool {
        Folder::is_adoptable(&self.path)
    }

    /// Makes it. `message` is one that goes by FIFO. Blocks.
    pub fn furnish(
        &self,
        state: Option<&Bytes>,
        message: Option<&Bytes>,
        configs: &BTreeMap<String, String>,
    ) -> io::Result<Furnished> {
        fs::create_dir(&self.path)?;
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o711))?;
        match message {
            // Who reads from a FIFO without a byte waits for ever, of a file it is the end at once.
            Some(message) if message.is_empty() => {
                fs::write(self.message(), b"")?;
                self.set_read();
            }
            Some(_) => mkfifoat(CWD, self.message(), Mode::from_raw_mode(0o666))?,
            None => {}
        }
        if message.is_some() {
            fs::set_permissions(self.message(), fs::Permissions::from_mode(0o666))?;
        }
        let socket = by_folder(&self.path, SOCKET, UnixDatagram::bind)?;
        fs::set_permissions(self.path.join(SOCKET), fs::Permissions::from_mode(0o777))?;
        let mut exchange = Exchange::new(self.path.join(EXCHANGE), state)?;
        exchange.put_configs(configs)?;
        // The program may run as any user; on the host nobody else gets this far.
        for (_, file) in exchange.variables(exchange.directory()).iter().filter(|(name, _)| name == CONFIGS_VARIABLE) {
            fs::set_permissions(file, fs::Permissions::from_mode(0o444))?;
        }
        let variables = exchange.variables(Path::new(EXCHANGE_TARGET));
        // Whoever removes the folder removes it too.
        exchange.keep();
        Ok(Furnished { variables, socket })
    }

    /// The files of the execution, which the folder keeps.
    pub fn reopen(&self, state: Option<&Bytes>) -> Exchange {
        Exchange::reopen(self.path.join(EXCHANGE), state)
    }

    /// What of it the container sees, where.
    pub fn mounts(&self, has_message: bool) -> Vec<HostMount> {
        let mount = |name: &str, target: &str| HostMount {
            source: self.path.join(name).to_string_lossy().into_owned(),
            target: target.to_owned(),
            read_only: false,
        };
        let message = has_message.then(|| mount(MESSAGE, MESSAGE_TARGET));
        [mount(SOCKET, SOCKET_TARGET), mount(EXCHANGE, EXCHANGE_TARGET)].into_iter().chain(message).collect()
    }

    /// The FIFO with the message.
    pub fn message(&self) -> PathBuf {
        self.path.join(MESSAGE)
    }

    /// The file with the results so far.
    pub fn results(&self) -> PathBuf {
        self.path.join(RESULTS)
    }

    /// Notes that the message has been read to its end, so that the execution can be adopted.
    pub fn set_read(&self) {
        // Without it the execution is begun anew after a restart.
        let _ = fs::write(self.path.join(READ), b"");
    }

    /// Removes it: from now on nobody adopts the container.
    pub async fn forget(&self) {
        let path = self.path.clone();
        // The reaper removes what stays behind.
        let _ = tokio::task::spawn_blocking(move || fs::remove_dir_all(path)).await;
    }
}
