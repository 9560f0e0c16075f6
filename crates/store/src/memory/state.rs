//! The state, and what all intents need of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use tidemill_core::{
    Timestamp,
    function::{FunctionRecord, RevisionRecord},
    id::InvocationId,
    invocation::{Attempt, Invocation, LogLine, Reply, Status},
    name::{FunctionRef, TriggerName},
    ports::{Entry, EntryId, LoggedLine, ScheduleRecord, StateRecord, StoreError},
};

/// The order of arrival.
pub(super) type Seq = u64;

/// An invocation with all that belongs to it.
pub(super) struct Row {
    /// With the event's body, when that was kept.
    pub(super) invocation: Invocation,
    pub(super) event_kept: bool,
    pub(super) blocked: bool,
    /// The place in the line of its key while unfinished; 0 without a key.
    pub(super) line: u64,
    pub(super) cancel_requested: bool,
    pub(super) lease_owner: String,
    pub(super) lease_until: Timestamp,
    pub(super) attempts: Vec<Attempt>,
    pub(super) reply: Option<Reply>,
    /// Oldest first.
    pub(super) results: VecDeque<Bytes>,
}

/// A function with its revisions, oldest first.
pub(super) struct FunctionEntry {
    pub(super) record: FunctionRecord,
    pub(super) revisions: Vec<RevisionRecord>,
}

/// The highest version among what was deleted, so that none is used again.
#[derive(Default)]
pub(super) struct Floor(u64);

impl Floor {
    /// The version of what follows `former`.
    pub(super) fn next(&self, former: Option<u64>) -> u64 {
        former.unwrap_or(self.0) + 1
    }

    /// What had this version is deleted.
    pub(super) fn rise(&mut self, version: u64) {
        self.0 = self.0.max(version);
    }
}

#[derive(Default)]
pub(super) struct State {
    pub(super) functions: BTreeMap<FunctionRef, FunctionEntry>,
    pub(super) schedules: BTreeMap<(FunctionRef, TriggerName), ScheduleRecord>,
    pub(super) states: BTreeMap<(FunctionRef, String), StateRecord>,
    pub(super) entries: BTreeMap<EntryId, Entry>,
    pub(super) rows: BTreeMap<Seq, Row>,
    pub(super) ids: BTreeMap<InvocationId, Seq>,
    pub(super) once: BTreeMap<(FunctionRef, String), InvocationId>,
    /// The queued and the running ones.
    pub(super) unfinished: BTreeSet<Seq>,
    pub(super) logs: BTreeMap<i64, LoggedLine>,
    pub(super) next_seq: Seq,
    pub(super) next_position: i64,
    /// What versions states that are made anew begin above.
    pub(super) state_floor: Floor,
    /// The same for entries.
    pub(super) entry_floor: Floor,
}

impl State {
    pub(super) fn check_function(&self, function: &FunctionRef) -> Result<(), StoreError> {
        if self.functions.contains_key(function) { Ok(()) } else { Err(StoreError::NotFound) }
    }

    pub(super) fn seq(&self, id: InvocationId) -> Result<Seq, StoreError> {
        self.ids.get(&id).copied().ok_or(StoreError::NotFound)
    }

    pub(super) fn row(&self, seq: Seq) -> &Row {
        self.rows.get(&seq).expect("every index points at a row")
    }

    pub(super) fn row_mut(&mut self, seq: Seq) -> &mut Row {
        self.rows.get_mut(&seq).expect("every index points at a row")
    }

    /// Stores a row under the next place. `Err` with the invocation that has its id or idempotency key already.
    pub(super) fn insert(&mut self, row: Row) -> Result<Seq, InvocationId> {
        let invocation = &row.invocation;
        let once = invocation.idempotency_key.as_ref().map(|key| (invocation.function.clone(), key.clone()));
        if let Some(former) = once.as_ref().and_then(|once| self.once.get(once)) {
            return Err(*former);
        }
        if self.ids.contains_key(&invocation.id) {
            return Err(invocation.id);
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        self.ids.insert(invocation.id, seq);
        if let Some(once) = once {
            self.once.insert(once, invocation.id);
        }
        if !invocation.status.is_final() {
            self.unfinished.insert(seq);
        }
        self.rows.insert(seq, row);
        Ok(seq)
    }

    /// Deletes a row with all that belongs to it.
    pub(super) fn delete(&mut self, seq: Seq) {
        let Some(row) = self.rows.remove(&seq) else { return };
        let invocation = row.invocation;
        self.ids.remove(&invocation.id);
        self.unfinished.remove(&seq);
        if let Some(key) = invocation.idempotency_key {
            self.once.remove(&(invocation.function, key));
        }
        self.logs.retain(|_, line| line.invocation != invocation.id);
    }

    /// Sets the status and keeps the index of the unfinished ones.
    pub(super) fn set_status(&mut self, seq: Seq, status: Status) {
        self.row_mut(seq).invocation.status = status;
        if status.is_final() {
            self.unfinished.remove(&seq);
        } else {
            self.unfinished.insert(seq);
        }
    }

    /// The unfinished invocations of a key, first in line first.
    fn line(&self, function: &FunctionRef, key: &str) -> Vec<Seq> {
        let is_in_line = |seq: &Seq| {
            let invocation = &self.row(*seq).invocation;
            invocation.function == *function && invocation.key.as_deref() == Some(key)
        };
        let mut line: Vec<Seq> = self.unfinished.iter().copied().filter(is_in_line).collect();
        line.sort_by_key(|seq| self.row(*seq).line);
        line
    }

    /// Where the line of a key ends. `None` when nobody stands in it.
    pub(super) fn last_in_line(&self, function: &FunctionRef, key: Option<&str>) -> Option<u64> {
        self.line(function, key?).last().map(|seq| self.row(*seq).line)
    }

    /// Frees the first in line of a key. Tells whether that changed anything.
    pub(super) fn unblock(&mut self, function: &FunctionRef, key: Option<&str>) -> bool {
        let Some(first) = key.and_then(|key| self.line(function, key).first().copied()) else { return false };
        std::mem::take(&mut self.row_mut(first).blocked)
    }

    pub(super) fn log(&mut self, function: &FunctionRef, invocation: InvocationId, attempt: u32, lines: Vec<LogLine>) {
        for line in lines {
            self.next_position += 1;
            let position = self.next_position;
            self.logs.insert(position, LoggedLine { position, function: function.clone(), invocation, attempt, line });
        }
    }
}
