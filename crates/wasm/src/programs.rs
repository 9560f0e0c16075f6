//! The programs that this process has linked, each once.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use parking_lot::Mutex;
use tokio::sync::OnceCell;
use wasmtime::Engine;

use crate::{
    cache::Cache,
    kind,
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

type Cell = Arc<OnceCell<Arc<Program>>>;

#[derive(Default)]
struct Known {
    /// With when each was last asked for.
    programs: HashMap<Key, (Cell, u64)>,
    clock: u64,
}

/// See the module.
pub(crate) struct Programs {
    engine: Engine,
    cache: Arc<Cache>,
    linkers: Arc<Linkers>,
    known: Mutex<Known>,
    /// Compiling takes all cores and much memory: one at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Programs {
    /// Programs compiled by way of `cache`.
    pub fn new(engine: Engine, cache: Cache) -> wasmtime::Result<Programs> {
        let linkers = Arc::new(Linkers::new(&engine)?);
        Ok(Programs { engine, cache: Arc::new(cache), linkers, known: Mutex::default(), turn: Arc::default() })
    }

    /// The program in `file`. The error is one line.
    pub async fn get(&self, file: &Path) -> Result<Arc<Program>, String> {
        let metadata = fs::metadata(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let cell = self.cell(Key { file: file.to_owned(), bytes: metadata.len(), changed });
        cell.get_or_try_init(|| self.load(file)).await.cloned()
    }

    fn cell(&self, key: Key) -> Cell {
        let Known { programs: known, clock } = &mut *self.known.lock();
        *clock += 1;
        if known.len() >= IDLE_MAX && !known.contains_key(&key) {
            let is_idle = |cell: &Cell| {
                Arc::strong_count(cell) == 1 && cell.get().is_none_or(|program| Arc::strong_count(program) == 1)
            };
            let idle = known.iter().filter(|(_, (cell, _))| is_idle(cell));
            if let Some(oldest) = idle.min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone()) {
                known.remove(&oldest);
            }
        }
        let (cell, used) = known.entry(key).or_default();
        *used = *clock;
        cell.clone()
    }

    async fn load(&self, file: &Path) -> Result<Arc<Program>, String> {
        let turn = self.turn.clone().lock_owned().await;
        let (file, cache, linkers, engine) =
            (file.to_owned(), self.cache.clone(), self.linkers.clone(), self.engine.clone());
        let work = move || {
            // Held until it is done, also when nobody waits for it any more.
            let _turn = turn;
            let (bytes, form) = kind::read(&file)?;
            let code = cache.code(&bytes, form)?;
            Program::link(&code, &linkers, &engine).map(Arc::new)
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| format!("the compiler broke down: {error}"))?
    }
}
