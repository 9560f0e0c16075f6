//! The programs that this process has linked, each once.
//!
//! Of several who ask for the same program at once, one loads it and the others wait for that. When whoever loads gives up, the
//! compiler goes on, and who comes next waits for the same. What is on disk already never waits for another module's compiler.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use parking_lot::Mutex;
use tidemill_core::FunctionRef;
use wasmtime::Engine;

use crate::{
    cache::Cache,
    compiler::Compiler,
    kind::{self, Form},
    program::{Linkers, Program},
};

/// Programs that are kept although no worker runs them, so that a worker that starts again starts at once.
const IDLE_MAX: usize = 128;

/// Which module, without reading it: packages never change, but somebody may try a folder of his own.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    file: PathBuf,
    bytes: u64,
    changed: SystemTime,
}

impl Key {
    fn of(file: &Path) -> Result<Key, String> {
        let metadata = fs::metadata(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(Key { file: file.to_owned(), bytes: metadata.len(), changed })
    }
}

/// One program, once it is loaded.
#[derive(Default)]
struct Cell {
    program: OnceLock<Arc<Program>>,
    /// Held by whoever loads it.
    loading: Arc<tokio::sync::Mutex<()>>,
}

impl Cell {
    fn keep(&self, program: Program) -> Arc<Program> {
        self.program.get_or_init(|| Arc::new(program)).clone()
    }

    fn is_idle(self: &Arc<Cell>) -> bool {
        Arc::strong_count(self) == 1 && self.program.get().is_none_or(|program| Arc::strong_count(program) == 1)
    }
}

#[derive(Default)]
struct Entry {
    cell: Arc<Cell>,
    /// When it was last asked for.
    used: u64,
    /// For whom it was asked.
    functions: BTreeSet<FunctionRef>,
}

#[derive(Default)]
struct Known {
    programs: HashMap<Key, Entry>,
    clock: u64,
}

/// See the module.
pub(crate) struct Programs {
    source: Arc<Source>,
    compiler: Compiler,
    known: Mutex<Known>,
}

/// What programs are made with.
struct Source {
    engine: Engine,
    cache: Cache,
    linkers: Linkers,
    /// The largest module, in bytes.
    module_bytes_max: u64,
}

/// What is found for a module.
enum Found {
    Program(Box<Program>),
    /// It has to be compiled.
    Bytes(Vec<u8>, Form),
}

impl Source {
    fn find(&self, file: &Path) -> Result<Found, String> {
        let (bytes, form) = kind::read(file, self.module_bytes_max)?;
        match self.cache.find(&bytes, form) {
            Some(code) => Program::link(code, &self.linkers, &self.engine).map(|it| Found::Program(Box::new(it))),
            None => Ok(Found::Bytes(bytes, form)),
        }
    }

    fn compile(&self, bytes: &[u8], form: Form) -> Result<Program, String> {
        Program::link(self.cache.code(bytes, form)?, &self.linkers, &self.engine)
    }
}

impl Programs {
    /// Programs compiled by way of `cache`, each in at most so much memory, in bytes.
    pub fn new(engine: Engine, cache: Cache, compiler_bytes_max: u64) -> wasmtime::Result<Programs> {
        let linkers = Linkers::new(&engine)?;
        let module_bytes_max = kind::module_bytes_max(compiler_bytes_max);
        let source = Arc::new(Source { engine, cache, linkers, module_bytes_max });
        Ok(Programs { source, compiler: Compiler::default(), known: Mutex::default() })
    }

    /// The program in `file`, for `function`. The error is one line.
    pub async fn get(&self, file: &Path, function: &FunctionRef) -> Result<Arc<Program>, String> {
        let cell = self.cell(Key::of(file)?, function);
        if let Some(program) = cell.program.get() {
            return Ok(program.clone());
        }
        let loading = cell.loading.clone().lock_owned().await;
        if let Some(program) = cell.program.get() {
            return Ok(program.clone());
        }
        let (source, wanted) = (self.source.clone(), file.to_owned());
        let finding = tokio::task::spawn_blocking(move || source.find(&wanted));
        match finding.await.map_err(|error| format!("the module could not be read: {error}"))?? {
            Found::Program(program) => Ok(cell.keep(*program)),
            Found::Bytes(bytes, form) => {
                let source = self.source.clone();
                let work = move || {
                    // Held until it is done, also when nobody waits for it any more.
                    let _loading = loading;
                    source.compile(&bytes, form).map(|program| cell.keep(program))
                };
                self.compiler.run(work).await
            }
        }
    }

    /// Lets go of the programs that were for `function` alone. Workers that run one keep it.
    pub fn forget(&self, function: &FunctionRef) {
        self.known.lock().programs.retain(|_, entry| !entry.functions.remove(function) || !entry.functions.is_empty());
    }

    /// How many programs are kept, and how many were compiled since the start.
    pub fn counts(&self) -> (usize, u64) {
        let loaded = self.known.lock().programs.values().filter(|entry| entry.cell.program.get().is_some()).count();
        (loaded, self.source.cache.compiled())
    }

    fn cell(&self, key: Key, function: &FunctionRef) -> Arc<Cell> {
        let Known { programs: known, clock } = &mut *self.known.lock();
        *clock += 1;
        if known.len() >= IDLE_MAX && !known.contains_key(&key) {
            let idle = known.iter().filter(|(_, entry)| entry.cell.is_idle());
            if let Some(oldest) = idle.min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone()) {
                known.remove(&oldest);
            }
        }
        let entry = known.entry(key).or_default();
        entry.used = *clock;
        if !entry.functions.contains(function) {
            entry.functions.insert(function.clone());
        }
        entry.cell.clone()
    }
}
