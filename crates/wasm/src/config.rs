//! The settings of a driver.

use std::path::PathBuf;

/// The settings of a [`crate::WasmDriver`].
#[derive(Clone, Debug)]
pub struct WasmConfig {
    /// Where compiled modules are kept, so that they are compiled once.
    pub cache: PathBuf,
    /// Instances at once, of all functions together; calls beyond it wait for one to end.
    pub instances_max: u32,
    /// Linear memory of all instances together, in bytes.
    pub memory_bytes_max: u64,
    /// What compiling a module may take of memory, in bytes; one that would take more is refused.
    pub compiler_bytes_max: u64,
    /// Compiled modules on disk, in bytes.
    pub compiled_bytes_max: u64,
    /// Folders of this machine that functions may ask for (`runtimeAttributes.wasm.mounts`), with all below them. Folders of
    /// a function's own package need no permission.
    pub mounts: Vec<PathBuf>,
    /// Threads for calls that compute for long, so that they hold up nobody else; 0 is one a core.
    pub threads: usize,
}

impl WasmConfig {
    /// The defaults, with the folder `wasm` of the data folder for what is compiled.
    pub fn new(data: impl Into<PathBuf>) -> WasmConfig {
        let cache = data.into().join("wasm");
        WasmConfig {
            cache,
            instances_max: INSTANCES_MAX,
            memory_bytes_max: MEMORY_BYTES_MAX,
            compiler_bytes_max: MEMORY_BYTES_MAX,
            compiled_bytes_max: COMPILED_BYTES_MAX,
            mounts: Vec::new(),
            threads: 0,
        }
    }
}

/// Instances at once unless the settings say otherwise.
const INSTANCES_MAX: u32 = 256;
/// What a small machine can spare, in bytes.
const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Compiled modules on disk unless the settings say otherwise, in bytes.
const COMPILED_BYTES_MAX: u64 = 2 << 30;
