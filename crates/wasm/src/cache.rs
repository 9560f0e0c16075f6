//! Compiled modules on disk.
//!
//! ```text
//! <cache>/<digest of the module>/<engine>-<digest of the code>.cwasm
//! ```
//!
//! The code's own digest in its name makes a damaged file visible before it is mapped and run, and one rename makes it whole
//! or absent. `engine` tells the version and the settings that it was compiled for: what was compiled for others is removed
//! when the new code is stored. A cache that cannot be written costs compiling again at the next start, no more.

use std::{
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module, component::Component};

use crate::kind::Form;

/// Code that can be linked.
#[derive(Clone)]
pub(crate) enum Code {
    /// Of a core module.
    Module(Module),
    /// Of a component.
    Component(Component),
}

/// See the module.
pub(crate) struct Cache {
    directory: PathBuf,
    engine: Engine,
    /// The engine's version and settings.
    mark: String,
    drafts: AtomicU64,
}

impl Cache {
    /// A cache in `directory`, which need not exist.
    pub fn new(directory: PathBuf, engine: Engine) -> Cache {
        let mut hash = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hash);
        Cache { directory, engine, mark: format!("{:016x}", hash.finish()), drafts: AtomicU64::new(0) }
    }

    /// The code of the module `bytes`, from the cache or compiled. Blocks, perhaps for minutes.
    pub fn code(&self, bytes: &[u8], form: Form) -> Result<Code, String> {
        let folder = self.directory.join(sha256(bytes));
        if let Some(code) = self.load(&folder, form) {
            return Ok(code);
        }
        let compiled = match form {
            Form::Module => self.engine.precompile_module(bytes),
            Form::Component => self.engine.precompile_component(bytes),
        };
        let compiled = compiled.map_err(|error| one_line(&error))?;
        let stored = self.store(&folder, &compiled).and_then(|file| self.map(&file, form));
        match stored {
            Ok(code) => Ok(code),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "compiled code cannot be kept");
                self.take(&compiled, form).map_err(|error| one_line(&error))
            }
        }
    }

    fn load(&self, folder: &Path, form: Form) -> Option<Code> {
        let prefix = format!("{}-", self.mark);
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let name = entry.file_name();
            let Some(digest) =
                name.to_str().and_then(|name| name.strip_prefix(&prefix)).and_then(|rest| rest.strip_suffix(".cwasm"))
            else {
                continue;
            };
            let file = entry.path();
            let found = match file_sha256(&file) {
                Ok(found) if found == digest => self.map(&file, form),
                Ok(_) => Err(io::Error::other("its content is not what its name says")),
                Err(error) => Err(error),
            };
            match found {
                Ok(code) => return Some(code),
                Err(error) => {
                    tracing::warn!(file = %file.display(), %error, "compiled code is damaged and is compiled again");
                    let _ = fs::remove_file(&file);
                }
            }
        }
        None
    }

    fn store(&self, folder: &Path, compiled: &[u8]) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)?.flatten() {
            // What others write at this moment is theirs; what is of another version is of no use any more.
            if entry.path().extension().is_some_and(|extension| extension == "cwasm") {
                let _ = fs::remove_file(entry.path());
            }
        }
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let draft = folder.join(format!(".draft-{}-{number}", std::process::id()));
        let file = folder.join(format!("{}-{}.cwasm", self.mark, sha256(compiled)));
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
        // SAFETY: the file was written by this engine or has the digest that its name says, and nobody changes files of the
        // data folder: they are replaced.
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

/// An error and its causes in one line.
pub(crate) fn one_line(error: &wasmtime::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
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
