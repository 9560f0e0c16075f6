//! The memory and tables of one instance, counted and bounded.

use wasmtime::ResourceLimiter;

use crate::limits;

/// What one instance uses.
pub(crate) struct Limiter {
    memory_bytes_max: u64,
    memory_bytes: u64,
    /// The most memory seen.
    pub memory_bytes_peak: u64,
    /// Whether it asked for more memory than it may have.
    pub is_out_of_memory: bool,
    /// Whether it asked for a larger table than it may have.
    pub is_out_of_tables: bool,
}

impl Limiter {
    /// A limiter for an instance that may use so much memory.
    pub fn new(memory_bytes_max: u64) -> Limiter {
        Limiter {
            memory_bytes_max,
            memory_bytes: 0,
            memory_bytes_peak: 0,
            is_out_of_memory: false,
            is_out_of_tables: false,
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let all = self.memory_bytes.saturating_sub(current as u64).saturating_add(desired as u64);
        if all > self.memory_bytes_max {
            self.is_out_of_memory = true;
            return Ok(false);
        }
        self.memory_bytes = all;
        self.memory_bytes_peak = self.memory_bytes_peak.max(all);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.is_out_of_tables |= desired > limits::TABLE_ENTRIES_MAX;
        Ok(desired <= limits::TABLE_ENTRIES_MAX)
    }

    fn instances(&self) -> usize {
        limits::CORE_INSTANCES_MAX as usize
    }

    fn memories(&self) -> usize {
        limits::MEMORIES_MAX as usize
    }

    fn tables(&self) -> usize {
        limits::TABLES_MAX as usize
    }
}
