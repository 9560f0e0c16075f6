//! What an instance may use, whatever it tries.

/// Linear memory of an instance, in bytes, unless `resources.limits.memory` says otherwise.
pub(crate) const MEMORY_BYTES_DEFAULT: u64 = 128 * 1024 * 1024;
/// A limit above this has no effect: 32-bit addresses end here.
pub(crate) const MEMORY_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Entries of one table.
pub(crate) const TABLE_ENTRIES_MAX: usize = 100_000;
/// What an entry takes at most, in bytes.
pub(crate) const TABLE_ENTRY_BYTES: u64 = 16;
/// Tables of an instance up to this count nothing, in bytes.
pub(crate) const TABLES_FREE_BYTES: u64 = 1024 * 1024;
/// Core instances within one component.
pub(crate) const CORE_INSTANCES_MAX: u32 = 32;
/// Memories of one instance.
pub(crate) const MEMORIES_MAX: u32 = 4;
/// Tables of one instance.
pub(crate) const TABLES_MAX: u32 = 16;
/// The call stack of the guest, in bytes.
pub(crate) const STACK_BYTES_MAX: usize = 1024 * 1024;
/// The stack that guest and host share, in bytes.
pub(crate) const FIBER_BYTES: usize = STACK_BYTES_MAX + 1024 * 1024;
/// Things of the host that a guest holds at once: streams, requests.
pub(crate) const HANDLES_MAX: usize = 4096;
/// The same for one that has folders: each may be a descriptor of this process.
pub(crate) const HANDLES_OF_FILES_MAX: usize = 256;
/// Bytes of random numbers a guest may ask for at once.
pub(crate) const RANDOM_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes that one call of the host may copy out of the guest: a reply and its headers.
pub(crate) const HOST_CALL_BYTES_MAX: usize = 80 * 1024 * 1024;
/// The largest module, in bytes, however much memory there is.
pub(crate) const MODULE_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// The largest module, in bytes, however little memory there is.
pub(crate) const MODULE_BYTES_MIN: u64 = 16 * 1024 * 1024;
/// Compiling takes about so much memory for each byte of a module.
pub(crate) const COMPILE_BYTES_PER_BYTE: u64 = 30;
/// Calls of one worker at once unless `runtimeAttributes.wasm.slots` says otherwise.
pub(crate) const SLOTS_DEFAULT: u32 = 16;
/// The most that it may say.
pub(crate) const SLOTS_MAX: u32 = 256;
