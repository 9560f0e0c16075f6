//! A door for the fuzz targets to what looks at modules. Behind the feature `fuzzing`.

use std::path::Path;

use wasmtime::{Config, Engine, Module, component::Component};

use crate::{
    cache::one_line,
    kind::{self, Form, Kind},
    limits,
};

/// Looks at modules, and compiles them without running anything.
pub struct Inspector {
    engine: Engine,
}

impl Inspector {
    /// An inspector with an engine of its own, which compiles on the thread that asks.
    ///
    /// # Errors
    /// There can be no engine here.
    pub fn new() -> Result<Inspector, String> {
        let mut config = Config::new();
        config.parallel_compilation(false).epoch_interruption(true);
        Engine::new(&config).map(|engine| Inspector { engine }).map_err(|error| one_line(&error))
    }

    /// What kind of program is in `file`, in a word for people. The error is one line.
    ///
    /// # Errors
    /// It is none, or one of no known kind.
    pub fn kind(&self, file: &Path) -> Result<&'static str, String> {
        let (bytes, form) = kind::read(file, limits::MODULE_BYTES_MAX)?;
        let said = |error: wasmtime::Error| one_line(&error);
        let kind = match form {
            Form::Module => kind::of_module(&Module::from_binary(&self.engine, &bytes).map_err(said)?),
            Form::Component => {
                kind::of_component(&Component::from_binary(&self.engine, &bytes).map_err(said)?, &self.engine)
            }
        };
        kind.map(Kind::as_str)
    }

    /// The bytes of the module in `file`, assembled when it is text. The error is one line.
    ///
    /// # Errors
    /// It is neither.
    pub fn assembled(&self, file: &Path) -> Result<Vec<u8>, String> {
        kind::read(file, limits::MODULE_BYTES_MAX).map(|(bytes, _)| bytes)
    }
}
