//! Durable state of functions, results, what executions used, and how long logs are kept.

use bytes::Bytes;
use tidemill_core::{
    Timestamp,
    id::InvocationId,
    name::FunctionRef,
    ports::{Page, StateRecord, StoreError, Usage},
};

use super::state::State;
use crate::rules;

impl State {
    pub(super) fn state(&self, function: &FunctionRef, key: &str) -> Result<Option<StateRecord>, StoreError> {
        self.check_function(function)?;
        Ok(self.states.get(&(function.clone(), key.to_owned())).cloned())
    }

    /// Stores the state of a line; returns its version.
    pub(super) fn store_state(&mut self, function: &FunctionRef, key: &str, value: Bytes, now: Timestamp) -> u64 {
        let place = (function.clone(), key.to_owned());
        let version = self.state_floor.next(self.states.get(&place).map(|former| former.version));
        self.states.insert(place, StateRecord { key: key.to_owned(), value, version, updated_at: now });
        version
    }

    pub(super) fn put_state(
        &mut self,
        function: &FunctionRef,
        key: &str,
        value: Option<Bytes>,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let found = self.state(function, key)?.map_or(0, |former| former.version);
        if let Some(expected) = expected {
            rules::check_state_version(found, expected)?;
        }
        let Some(value) = value else {
            if let Some(former) = self.states.remove(&(function.clone(), key.to_owned())) {
                self.state_floor.rise(former.version);
            }
            return Ok(0);
        };
        Ok(self.store_state(function, key, value, now))
    }

    pub(super) fn states(
        &self,
        function: &FunctionRef,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<StateRecord>, StoreError> {
        self.check_function(function)?;
        let limit = limit as usize;
        let mut items: Vec<StateRecord> = self
            .states
            .iter()
            .filter(|((owner, key), _)| owner == function && after.is_none_or(|after| key.as_str() > after))
            .map(|(_, record)| StateRecord { value: Bytes::new(), ..record.clone() })
            .take(limit + 1)
            .collect();
        let more = items.len() > limit;
        items.truncate(limit);
        Ok(Page { items, more })
    }

    pub(super) fn take_result(&mut self, id: InvocationId) -> Result<Option<Bytes>, StoreError> {
        let seq = self.seq(id)?;
        Ok(self.row_mut(seq).results.pop_front())
    }

    pub(super) fn usage(&self, function: &FunctionRef) -> Result<Usage, StoreError> {
        self.check_function(function)?;
        let mut usage = Usage::default();
        for row in self.rows.values().filter(|row| row.invocation.function == *function) {
            usage.executions += 1;
            for report in row.attempts.iter().filter_map(|attempt| attempt.report.as_ref()) {
                usage.cpu_ns += report.cpu_ns;
                usage.io_bytes += report.io_bytes;
                usage.run_us += report.run_us;
            }
        }
        Ok(usage)
    }

    pub(super) fn forget_logs(
        &mut self,
        function: &FunctionRef,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.check_function(function)?;
        let is_old = |id: &InvocationId| {
            let invocation = &self.row(self.ids[id]).invocation;
            invocation.status.is_final() && invocation.finished_at.is_some_and(|at| at < before)
        };
        let mut old: Vec<InvocationId> = Vec::new();
        for line in self.logs.values().filter(|line| line.function == *function) {
            if old.len() < limit as usize && !old.contains(&line.invocation) && is_old(&line.invocation) {
                old.push(line.invocation);
            }
        }
        self.logs.retain(|_, line| !old.contains(&line.invocation));
        Ok(old.len() as u64)
    }
}
