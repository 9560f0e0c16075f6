//! The memory and tables of one instance, counted and bounded.

use wasmtime::ResourceLimiter;

use crate::{budget::Account, limits};

/// What one instance uses.
pub(crate) struct Limiter {
    memory_bytes_max: u64,
    memory_bytes: u64,
    tables_bytes: u64,
    /// Its part of what all instances have together.
    account: Account,
    /// The most memory seen.
    pub memory_bytes_peak: u64,
    /// Why it did not get the memory that it asked for.
    pub refused: Option<Refusal>,
    /// Whether it asked for a larger table than it may have.
    pub is_out_of_tables: bool,
}

/// Why an instance gets no more memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It would have more than it may have, which is so many bytes.
    Own(u64),
    /// All instances would have more than there is for them, which is so many bytes.
    Shared(u64),
}

impl Limiter {
    /// A limiter for an instance that may use so much memory.
    pub fn new(memory_bytes_max: u64, account: Account) -> Limiter {
        Limiter {
            memory_bytes_max,
            memory_bytes: 0,
            tables_bytes: 0,
            account,
            memory_bytes_peak: 0,
            refused: None,
            is_out_of_tables: false,
        }
    }
}

/// What tables count: those of most modules are small, and an instance does not wait for them.
fn counted(tables_bytes: u64) -> u64 {
    tables_bytes.saturating_sub(limits::TABLES_FREE_BYTES)
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let all = self.memory_bytes.saturating_sub(current as u64).saturating_add(desired as u64);
        if all > self.memory_bytes_max {
            self.refused = Some(Refusal::Own(self.memory_bytes_max));
            return Ok(false);
        }
        if !self.account.reach(all.saturating_add(counted(self.tables_bytes))) {
            self.refused = Some(Refusal::Shared(self.account.bytes_max()));
            return Ok(false);
        }
        self.memory_bytes = all;
        self.memory_bytes_peak = self.memory_bytes_peak.max(all);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = (desired.saturating_sub(current) as u64).saturating_mul(limits::TABLE_ENTRY_BYTES);
        let tables = self.tables_bytes.saturating_add(more);
        if desired > limits::TABLE_ENTRIES_MAX {
            self.is_out_of_tables = true;
            return Ok(false);
        }
        if !self.account.reach(self.memory_bytes.saturating_add(counted(tables))) {
            self.refused = Some(Refusal::Shared(self.account.bytes_max()));
            return Ok(false);
        }
        self.tables_bytes = tables;
        Ok(true)
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
