//! Compiled modules on disk.
//!
//! ```text
//! <cache>/<digest of the module>/<engine>-<digest of the code>.cwasm
//! ```
//!
//! The code's own digest in its name makes a damaged file visible before it is mapped and run, and one rename makes it whole
//! or absent. `engine` tells the version and the settings that it was compiled for: what was compiled for others is removed
//! at the start. A cache that cannot be written costs compiling again at the next start, no more.
//!
//! The files have a limit together: beyond it what was not used for longest goes, when new code is stored. Code that a
//! program of this process was made of stays, since its file is mapped.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tidemill_core::log::cut_text;
use wasmtime::{Engine, Module, component::Component};

use crate::{
    kind::Form,
    sweep::{EXTENSION, surplus, sweep},
};

/// Code that can be linked. Its file stays while this, or what was made of it with its [`Hold`], exists.
pub(crate) struct Kept {
    pub code: Code,
    pub hold: Hold,
}

/// Keeps a file from being removed.
pub(crate) type Hold = Arc<()>;

/// Code in one of the two forms.
pub(crate) enum Code {
    /// Of a core module.
    Module(Module),
    /// Of a component.
    Component(Component),
}

/// See the module.
pub(crate) struct Cache {
    directory: PathBuf,
    /// The most that the files have together.
    bytes_max: u64,
    engine: Engine,
    /// The engine's version and settings.
    mark: String,
    drafts: AtomicU64,
    /// Modules compiled so far.
    compiled: AtomicU64,
    /// By the digest of the module.
    holds: Mutex<HashMap<String, Weak<()>>>,
}

impl Cache {
    /// A cache in `directory`, which need not exist, of at most so many bytes. What is there of other versions is removed.
    pub fn new(directory: PathBuf, bytes_max: u64, engine: Engine) -> Cache {
        let mut hash = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hash);
        let mark = format!("{:016x}-", hash.finish());
        let (drafts, compiled, holds) = Default::default();
        if let Err(error) = closed(&directory) {
            tracing::warn!(folder = %directory.display(), %error, "others may write compiled code");
        }
        let cache = Cache { directory, bytes_max, engine, mark, drafts, compiled, holds };
        cache.make_room();
        cache
    }

    /// The code of the module `bytes` if it was compiled before.
    pub fn find(&self, bytes: &[u8], form: Form) -> Option<Kept> {
        let module = sha256(bytes);
        // Before it is looked at, so that nobody removes it meanwhile.
        let hold = self.hold(&module);
        self.load(&self.directory.join(module), form).map(|code| Kept { code, hold })
    }

    /// The code of the module `bytes`, from the cache or compiled. Blocks, perhaps for minutes.
    pub fn code(&self, bytes: &[u8], form: Form) -> Result<Kept, String> {
        let module = sha256(bytes);
        let (folder, hold) = (self.directory.join(&module), self.hold(&module));
        if let Some(code) = self.load(&folder, form) {
            return Ok(Kept { code, hold });
        }
        self.compiled.fetch_add(1, Ordering::Relaxed);
        let compiled = match form {
            Form::Module => self.engine.precompile_module(bytes),
            Form::Component => self.engine.precompile_component(bytes),
        };
        let compiled = compiled.map_err(|error| one_line(&error))?;
        let stored = self.store(&folder, &compiled).and_then(|file| self.map(&file, form));
        let code = match stored {
            Ok(code) => code,
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "compiled code cannot be kept");
                self.take(&compiled, form).map_err(|error| one_line(&error))?
            }
        };
        self.make_room();
        Ok(Kept { code, hold })
    }

    /// How many modules it compiled.
    pub fn compiled(&self) -> u64 {
        self.compiled.load(Ordering::Relaxed)
    }

    fn hold(&self, module: &str) -> Hold {
        let mut holds = self.holds.lock();
        holds.retain(|_, hold| hold.strong_count() > 0);
        if let Some(hold) = holds.get(module).and_then(Weak::upgrade) {
            return hold;
        }
        let hold = Hold::default();
        holds.insert(module.to_owned(), Arc::downgrade(&hold));
        hold
    }

    /// Removes what is of no use, and what is too much.
    fn make_room(&self) {
        // There is no folder before the first module.
        let Ok(entries) = sweep(&self.directory, &self.mark) else { return };
        // Locked until the files are gone: who asks for one of them afterwards finds none.
        let holds = self.holds.lock();
        let is_held = |module: &str| holds.get(module).is_some_and(|hold| hold.strong_count() > 0);
        for entry in surplus(entries, self.bytes_max, is_held) {
            tracing::info!(module = entry.module, bytes = entry.bytes, "compiled code is removed to make room");
            let _ = fs::remove_file(&entry.file);
            if let Some(folder) = entry.file.parent() {
                let _ = fs::remove_dir(folder);
            }
        }
    }

    fn load(&self, folder: &Path, form: Form) -> Option<Code> {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let name = entry.file_name();
            let digest = name.to_str().and_then(|name| name.strip_prefix(&self.mark)?.strip_suffix(".cwasm"));
            let Some(digest) = digest else { continue };
            let file = entry.path();
            let found = match file_sha256(&file) {
                Ok(found) if found == digest => self.map(&file, form),
                Ok(_) => Err(io::Error::other("its content is not what its name says")),
                Err(error) => Err(error),
            };
            match found {
                Ok(code) => {
                    note_use(&file);
                    return Some(code);
                }
                Err(error) => {
                    tracing::warn!(file = %file.display(), %error, "compiled code is damaged and is compiled again");
                    let _ = fs::remove_file(&file);
                }
            }
        }
        None
    }

    fn store(&self, folder: &Path, compiled: &[u8]) -> io::Result<PathBuf> {
        fs::DirBuilder::new().recursive(true).mode(OWN_ONLY).create(folder)?;
        for entry in fs::read_dir(folder)?.flatten() {
            // What others write at this moment is theirs; other code for this module is of no use any more.
            if entry.path().extension().is_some_and(|extension| extension == EXTENSION) {
                let _ = fs::remove_file(entry.path());
            }
        }
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let draft = folder.join(format!(".draft-{}-{number}", std::process::id()));
        let file = folder.join(format!("{}{}.{EXTENSION}", self.mark, sha256(compiled)));
        let mut writing = fs::File::create(&draft)?;
        let written = writing.write_all(compiled).and_then(|()| writing.sync_data());
        if let Err(error) = written.and_then(|()| fs::rename(&draft, &file)) {
            let _ = fs::remove_file(&draft);
            return Err(error);
        }
        Ok(file)
    }

    #[expect(unsafe_code, reason = "mapping code is running what the file holds; its digest was checked or it is ours")]
    fn map(&self, file: &Path, form: Form) -> io::Result<Code> {
        // SAFETY: the file was written by this engine or has the digest that its name says, nobody but us has access to the
        // folder, which no function is given, and files there are not changed: they are replaced.
        let code = unsafe {
            match form {
                Form::Module => Module::deserialize_file(&self.engine, file).map(Code::Module),
                Form::Component => Component::deserialize_file(&self.engine, file).map(Code::Component),
            }
        };
        code.map_err(|error| io::Error::other(one_line(&error)))
    }

    #[expect(unsafe_code, reason = "the engine has just compiled it")]
    fn take(&self, compiled: &[u8], form: Form) -> wasmtime::Result<Code> {
        // SAFETY: `compiled` comes from this engine, unchanged.
        unsafe {
            match form {
                Form::Module => Module::deserialize(&self.engine, compiled).map(Code::Module),
                Form::Component => Component::deserialize(&self.engine, compiled).map(Code::Component),
            }
        }
    }
}

/// The mode of folders that nobody else reads or writes.
const OWN_ONLY: u32 = 0o700;

/// Closes a folder that is there to others: its code is run.
fn closed(folder: &Path) -> io::Result<()> {
    match fs::metadata(folder) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(folder, fs::Permissions::from_mode(OWN_ONLY))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Marks a file as used now. A folder that cannot be written is not bounded by what is used.
fn note_use(file: &Path) {
    let _ = fs::File::open(file).and_then(|file| file.set_modified(SystemTime::now()));
}

/// Bytes of an error, which may repeat names of any length that a module has.
const ERROR_BYTES_MAX: usize = 2000;

/// An error and its causes in one line.
pub(crate) fn one_line(error: &wasmtime::Error) -> String {
    cut_text(&format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" "), ERROR_BYTES_MAX)
}

fn sha256(bytes: &[u8]) -> String {
    text(&Sha256::digest(bytes))
}

fn file_sha256(file: &Path) -> io::Result<String> {
    let mut reading = fs::File::open(file)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 256 * 1024]);
    loop {
        match reading.read(&mut buffer)? {
            0 => return Ok(text(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn text(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
